import { Argument, type Command } from 'commander'
import { EXIT, type ExitCode } from './exit.ts'
import type { Verb } from './options.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

export function addCompletion(program: Command, verb: Verb): void {
  program
    .command('completion')
    .description('print what makes a shell complete verbs and flags')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      '\nbash: source <(lapwing completion bash)   zsh: the same   fish: lapwing completion fish | source',
    )
    .action(
      verb((shell: Shell): ExitCode => {
        process.stdout.write(scriptOf(shell, wordsOf(program)))
        return EXIT.fine
      }),
    )
}

/** A verb (or a verb of a verb, `rules push`), with the words that may follow it. */
interface Words {
  readonly verb: string
  readonly words: readonly string[]
}

/** The program's own words stand under ''. */
export function wordsOf(program: Command, path = ''): Words[] {
  const names = program.commands.map((command) => command.name())
  const flags = program.options.flatMap((option) => (option.long === undefined || option.hidden ? [] : [option.long]))
  const below = program.commands.flatMap((command) => wordsOf(command, `${path} ${command.name()}`.trim()))
  const choices = program.registeredArguments.flatMap((argument) => argument.argChoices ?? [])
  return [{ verb: path, words: [...names, ...choices, ...flags, '--help'] }, ...below]
}

/** Files are completed as well, wherever a word may be one. */
export function scriptOf(shell: Shell, words: readonly Words[]): string {
  if (shell === 'fish') return fish(words)
  const cases = words.map(({ verb, words: all }) => `    '${verb}') words='${all.join(' ')}' ;;`)
  const prefix = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''
  return `${prefix}_lapwing() {
  local current="\${COMP_WORDS[COMP_CWORD]}" first="\${COMP_WORDS[1]}" verb='' words
  [ "$COMP_CWORD" -gt 1 ] && verb="$first"
  case "$verb" in ${parents(words).join('|') || "''"}) [ "$COMP_CWORD" -gt 2 ] && verb="$first \${COMP_WORDS[2]}" ;; esac
  case "$verb" in
${cases.join('\n')}
    *) words='' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ -n "$verb" ] && COMPREPLY+=($(compgen -f -- "$current"))
}
complete -o filenames -F _lapwing lapwing
`
}

function fish(words: readonly Words[]): string {
  const top = words.find(({ verb }) => verb === '')!
  const lines = top.words.map((word) =>
    word.startsWith('--')
      ? `complete -c lapwing -n __fish_use_subcommand -l ${word.slice(2)}`
      : `complete -c lapwing -n __fish_use_subcommand -f -a ${word}`,
  )
  for (const { verb, words: own } of words) {
    if (verb === '') continue
    const seen = verb.split(' ').map((part) => `__fish_seen_subcommand_from ${part}`)
    for (const word of own) {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`
      lines.push(`complete -c lapwing -n '${seen.join('; and ')}' ${what}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** Verbs that have verbs of their own. */
function parents(words: readonly Words[]): string[] {
  return [...new Set(words.filter(({ verb }) => verb.includes(' ')).map(({ verb }) => verb.split(' ')[0]!))]
}
