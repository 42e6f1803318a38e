"""Writes bleu.json: corpus BLEU of small corpora by sacrebleu 2.6.0, in default settings.

    pip install sacrebleu==2.6.0 && python3 tests/truth/bleu.py > tests/truth/bleu.json
"""
import json

from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
import sacrebleu

CASES = {
    "one line, one word wrong": (["the cat sat on the mat"], [["the cat sat on a mat"]]),
    "all right": (["1987-03-03", "twenty-one thousand three"], [["1987-03-03", "twenty-one thousand three"]]),
    "all right and long": (["a b c d e f", "g h i j"], [["a b c d e f", "g h i j"]]),
    "nothing right": (["x y z w v"], [["a b c d e"]]),
    "too short: brevity penalty": (["the cat sat on"], [["the cat sat on the mat today"]]),
    "too long: no penalty": (["the cat sat on the mat today again"], [["the cat sat on the mat"]]),
    "no quadruple matches": (["the cat the dog the mouse runs"], [["the cat runs the dog the mouse"]]),
    "neither triples nor quadruples match": (["a b x c d y e"], [["a b c d e f g"]]),
    "words alone match": (["d c b a e"], [["a b c d f"]]),
    "no quadruple in the hypotheses": (["a b c", "d e"], [["a b c", "d e"]]),
    "no hypothesis has a token": (["", ""], [["a b", "c"]]),
    "one of two is empty": (["", "the cat sat on the mat"], [["a dog", "the cat sat on the mat"]]),
    "two references": (
        ["the cat is on the mat", "there is a big house"],
        [["the cat sits on the mat", "there is a large house"], ["a cat is on the mat", "a big house is there"]],
    ),
    "lengths of references equally near": (["a b c d e"], [["a b c d e f"], ["a b c d"]]),
    "clipped counts": (["the the the the the the the"], [["the cat is on the mat"], ["there is a cat on the mat"]]),
    "punctuation": (
        ['"Hello," he said; it costs 3.50, or 1,000!', "A well-known (but odd) state-of-the-art: 5-6."],
        [['"Hello", he said: it costs 3.50 or 1,000.', "A well-known, but odd, state-of-the-art; 5-7."]],
    ),
    "entities": (["a &amp; b &lt;c&gt; &quot;d&quot; e"], [['a & b <c> "d" e']]),
    "umlauts and accents": (
        ["Über den Wolken muß die Freiheit grenzenlos sein", "L'été, c'est déjà passé ?"],
        [["Über den Wolken muss die Freiheit wohl grenzenlos sein", "L'été, est-ce déjà passé ?"]],
    ),
    "other scripts": (["你好 世界 !", "Привет, мир и труд май"], [["你好 世界 !", "Привет, мир, труд, май"]]),
    "combining and wide signs": (["e\u0301te\u0301 … “oui” — non « si »"], [["été … “oui” — non « si »"]]),
    "case matters": (["The Cat Sat On The Mat"], [["the cat sat on the mat"]]),
    "unusual white space": (["a\u00a0b\tc  d\u2003e f"], [["a b c d e g"]]),
    "points of numbers and sentences": (["v1.2.3. is out.", ".5 or 5. or 0.5"], [["v1.2.3 is out.", "0.5 or 5 or 0.5"]]),
}

bleu = BLEU()
recorded = []
for name, (hypotheses, references) in CASES.items():
    score = bleu.corpus_score(hypotheses, references)
    recorded.append({
        "name": name,
        "hypotheses": hypotheses,
        # One list a line of the corpus.
        "references": [list(of_line) for of_line in zip(*references)],
        "tokens": [Tokenizer13a()(line.rstrip()) for line in hypotheses],
        "score": score.score,
        "brevity_penalty": score.bp,
        "lengths": [score.sys_len, score.ref_len],
    })
made = f"sacrebleu {sacrebleu.__version__}, {bleu.get_signature()}, by bleu.py"
print(json.dumps({"source": made, "cases": recorded}, ensure_ascii=False, indent=1))
