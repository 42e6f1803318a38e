// What the lecture says: of every station its name, two sentences, a question, what was found, and notes for who speaks.
Object.assign(TEXTS, {
  "lecture.count": "Station {n} of {of}", "lecture.dot": "Station {n}: {title}", "lecture.back": "Back", "lecture.next": "Next", "lecture.small": "Leave the presenter's view", "lecture.present": "Present", "lecture.close": "Leave the lecture",
  "lecture.notes": "Notes.", "lecture.found": "Found", "lecture.elsewhere": "This run is another one.", "lecture.instead": "The station of this address has a run of its own, which takes the place of what else is asked for there.", "lecture.again": "Begin the station again",

  "station.none": "No parameters",
  "station.none.text": "Without matrices, attention compares the tokens themselves: the score of two of them is the product of their x. Training can change what the tokens are, but not how they are compared.",
  "station.none.question": "Train to the end. Does it learn to reverse four letters, and at which one does each look most?",
  "station.none.found": "After {step} steps the accuracy is {accuracy}, and {own} of {n} tokens look most at a token of their own letter.",
  "station.none.notes": "Ask first: what has the largest product with a vector, among vectors of one length? The vector itself. To reverse, position 0 has to look at the last position, and nothing here can say so. What it learns is which letters there are, not where: that is worth more than a quarter of the answers, and hardly ever all four.",

  "station.matrices": "Three matrices",
  "station.matrices.text": "q = x W_Q, k = x W_K, v = x W_V: now a token can ask for something else than itself. Three runs see the same batches: without matrices, with frozen random ones, and with learned ones.",
  "station.matrices.question": "Train to the end. At which step does position 0 first give more than half of its attention to its mirror image, and in which run?",
  "station.matrices.half": "Learned: by step {step}, {query} gives {share} of its attention to {key}.",
  "station.matrices.end": "Accuracy at the end: {figures}.",
  "station.matrices.notes": "Let the class vote before you train. Random matrices are not enough: it is back-propagation into W_Q and W_K that turns the queries to the keys. Show one step in slow motion (S) half-way.",

  "station.scores": "Scores",
  "station.scores.text": "A score is the product of two arrows, q · k: large where they point the same way, zero at a right angle. Here d_k is 2, so the plane shows them as they are; training turns them.",
  "station.scores.question": "Train to the end, then set W_Q to zero. Which scores are left, and how much attention does each key get?",
  "station.scores.zero": "W_Q = 0",
  "station.scores.found": "Every score is 0, where the best one of {query} was {was}: each of the {n} keys gets {share}.",
  "station.scores.notes": "Pin a query and check one score by hand: two products and a sum. With W_Q at zero every query is the same, and attention is a plain mean. Press “Let it learn from here”: it heals.",

  "station.scaling": "Scaling and saturation",
  "station.scaling.text": "A score adds up d_k products, so it grows like √d_k: with d_k = {d_k} one key has nearly everything from the start. The more one key has, the less gradient comes back through softmax; dividing by √d_k keeps it alive.",
  "station.scaling.question": "Train both. How large is the largest weight at step 0, and whose loss is lower at step {step}?",
  "station.scaling.line": "{name}: {top} at step 0, loss {loss} at step {step}.",
  "station.scaling.notes": "Compare the two maps at step 0 first: the unscaled one has nearly made up its mind before it has seen anything. Within ten steps each of its queries has one key alone, and little comes back through its softmax: at step 40 its gradient of W_Q is less than a tenth of the scaled run's. Little, not nothing: its scores still grow. At d_k = 4 both learn.",

  "station.softmax": "Softmax",
  "station.softmax.text": "Softmax makes shares of scores: exp(score), divided by the sum of all. Only differences count, and the larger they are, the more the best key takes.",
  "station.softmax.question": "Train to the end, then double W_Q and so every score. Does another key win, and what does the best one get?",
  "station.softmax.double": "W_Q × 2",
  "station.softmax.found": "{key} still wins: its score went from {from} to {to}, its share from {was} to {share}.",
  "station.softmax.notes": "This is what a temperature does in a language model, the other way round. Check one share by hand: exp of its scaled score, divided by the sum of all of them. Double again: the rest fades away, but never to zero.",

  "station.values": "Values",
  "station.values.text": "The map says where a query looks; W_V says what it takes from there. The context is the sum of all values, each times its weight.",
  "station.values.question": "Train to the end, then set W_V to zero. What happens to the map, and what to the answers?",
  "station.values.zero": "W_V = 0",
  "station.values.found": "The map is the same to the last digit, but where {right} of {n} answers were right, now {left} are.",
  "station.values.notes": "A map alone proves nothing: it shows where information could come from, not what is taken. Undo (Ctrl Z) brings the values back; “Let it learn from here” lets W_V learn again, and every query still looks at the same key.",

  "station.heads": "Many heads",
  "station.heads.text": "Four heads of 16 columns have as many parameters as one of 64: the same W_Q, W_K and W_V, only divided. Each head has a softmax of its own, so that each can look at another key.",
  "station.heads.one": "1 head", "station.heads.four": "4 heads",
  "station.heads.question": "Train both. After how many steps has each more than 90 % of the answers right?",
  "station.heads.line": "{name}: more than 90 % at step {step}, with {parameters} parameters.",
  "station.heads.notes": "The task is recall: which value stood with this key? Four heads are four tries to find it, one head is one. On seeds 0 to 4, four heads take 120 steps each time, one head takes 100 to 340: it is luck. Look at the four heads in turn (H): which of them found the key?",

  "station.cost": "What T × T costs",
  "station.cost.text": "Every query meets every key: T tokens make T × T weights, in each head of each layer. Twice the length is four times the weights.",
  "station.cost.question": "Train at each length for a moment. How many weights has one map, and how many steps a second are left?",
  "station.cost.length": "T = {n}",
  "station.cost.line": "T = {n}: {weights} weights, {bytes} bytes, {rate} steps/s",
  "station.cost.notes": "From 8 to 64 the tokens are 8 times as many, the weights 64 times. The speed falls by less: projections cost only T, and are most of the work while T is small. At T = 100,000 one map would need 40 GB, so kernels compute it in blocks and keep none.",
});
