# Bash ends a word at a colon; here FILE.py:NAME is one again while it is completed.
_keras_parity_joined() {
  local -a words=()
  local word last=0 glue=
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if [[ -n "$glue" || "$word" == : ]]; then words[last]+="$word"; else words+=("$word"); last=$((${#words[@]} - 1)); fi
    if [[ "$word" == : ]]; then glue=1; else glue=; fi
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$last
  _keras_parity
  local before="${words[last]}"
  [[ "$before" == *:* ]] && before="${before%"${before##*:}"}" || before=
  local nth
  for nth in "${!COMPREPLY[@]}"; do COMPREPLY[nth]="${COMPREPLY[nth]#"$before"}"; done
  [[ "${COMPREPLY[0]}" == */ ]] && compopt -o nospace 2>/dev/null
}
complete -F _keras_parity_joined keras-parity
