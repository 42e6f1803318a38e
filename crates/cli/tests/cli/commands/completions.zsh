# Types into a shell in a terminal of its own, and prints the line that it has then.
zmodload zsh/zpty
TERM=dumb zpty shell zsh -f -i
# The key that shows the line; the marks are put together, so that the echo of what is typed has none.
zpty -w shell 'show() { print -r -- "<<"${:-line}":$BUFFER>>"; }; zle -N show; bindkey "^T" show'
zpty -w shell 'autoload -Uz compinit && compinit -u -D && source ./script'
zpty -w -n shell $'qkv tr\t--stop-a\t\x14'
zpty -r -m shell seen '*<<line:*>>*'
line=${seen##*<<line:}
print -r -- "${line%%>>*}"
zpty -d shell
