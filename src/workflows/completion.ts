/** `completion`: a script that teaches a shell to complete expver's commands, options, versions, runs and metrics. */
import { ExpverError } from "../errors.ts";
import type { Input, ReadWorkflow } from "./contract.ts";

export interface CompletionScript {
  shell: string;
  script: string;
}

export const completion: ReadWorkflow<Input, CompletionScript> = {
  async read({ env }, { shell }) {
    const asked = typeof shell === "string" ? shell : (env.SHELL?.split("/").at(-1) ?? "");
    const script = SCRIPTS[asked];
    if (script === undefined) {
      throw new ExpverError("E_USAGE", `no completion for the shell "${asked}"`, { hint: `One of: ${Object.keys(SCRIPTS).join(", ")}.` });
    }
    return { shell: asked, script };
  },
};

// Each script hands the words up to the cursor to `expver __complete` and shows what comes back; see cli/complete.ts.
const SCRIPTS: Record<string, string> = {
  bash: `# bash completion for expver. In ~/.bashrc: source <(expver completion bash)
_expver() {
  local current="\${COMP_WORDS[COMP_CWORD]}" value line quotes=$'[\\\\\\\\\\'"]'
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # Without the quotes that were typed; nothing in a word is ever evaluated.
  words=("\${words[@]//$quotes/}")
  COMPREPLY=()
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    case "$value" in
      # The shell's own: it knows quotes, ~ and odd names.
      :files) compopt -o default 2>/dev/null; return ;;
      :folders) compopt -o dirnames 2>/dev/null; return ;;
      :commands) [[ $current == */* ]] && compopt -o default 2>/dev/null && return
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$current"); return ;;
      *) COMPREPLY+=("$(printf '%q' "$value")") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _expver expver
`,
  zsh: `#compdef expver
# zsh completion for expver. In ~/.zshrc, after compinit: source <(expver completion zsh)
_expver() {
  local line value
  local -a lines found
  lines=("\${(@f)$("\${words[1]}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    value="\${line%%$'\\t'*}"
    # What stands behind --out= is a path of its own.
    [[ "$value" == :f* && "$PREFIX" == --*=* ]] && compset -P 1 '*='
    case "$value" in
      :files) _files; return ;;
      :folders) _files -/; return ;;
      :commands) if [[ "$PREFIX" == */* ]]; then _files; else _command_names -e; fi; return ;;
    esac
    if [[ "$line" == *$'\\t'* ]]; then found+=("\${value//:/\\\\:}:\${line#*$'\\t'}"); else found+=("\${value//:/\\\\:}"); fi
  done
  (( \${#found} )) && _describe -t values expver found
}
if [[ "\${funcstack[1]}" == _expver ]]; then _expver "$@"; else compdef _expver expver; fi
`,
  fish: `# fish completion for expver. In config.fish: expver completion fish | source
function __expver_complete
    set -l words (commandline -opc)
    set -l current (string unescape -- (commandline -ct); or commandline -ct)
    set -l lines ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    # What stands behind --out= is a path of its own.
    set -l option (string match -r -- '^--[\\w-]+=' "$current")
    set -l path (string replace -r -- '^--[\\w-]+=' '' "$current")
    switch "$lines[1]"
        case :files
            __fish_complete_path "$path" | string replace -r -- '^' "$option"
        case :folders
            __fish_complete_directories "$path" | string replace -r -- '^' "$option"
        case :commands
            complete -C "$current"
        case '*'
            printf '%s\\n' $lines
    end
end
complete -c expver -f -a '(__expver_complete)'
`,
};
