import type { WriteStream } from 'node:tty'
import { frame, type ViewModel } from './frame.ts'
import { coloured, type Paint, plain } from './text.ts'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const HOME = '\x1b[H'
const CLEAR = '\x1b[2J'
const CLEAR_LINE = '\x1b[K'

/** Draws the view in place on a terminal, again when it changes its size. */
export class Screen {
  readonly #target: WriteStream
  readonly #view: () => ViewModel
  readonly #paint: Paint
  readonly #timer: NodeJS.Timeout
  readonly #resized = () => this.#draw(CLEAR)

  /** Every `everyMs`, until `close`. Without colours where NO_COLOR is set. */
  constructor(target: WriteStream, view: () => ViewModel, everyMs: number) {
    this.#target = target
    this.#view = view
    this.#paint = process.env.NO_COLOR ? plain : coloured
    target.write(HIDE_CURSOR)
    this.#draw(CLEAR)
    this.#timer = setInterval(() => this.#draw(''), everyMs)
    target.on('resize', this.#resized)
  }

  /** Leaves the last frame where it is. */
  close(): void {
    clearInterval(this.#timer)
    this.#target.off('resize', this.#resized)
    this.#draw('')
    this.#target.write(`\n${SHOW_CURSOR}`)
  }

  #draw(before: string): void {
    const { columns = 80, rows = 24 } = this.#target
    const lines = frame(this.#view(), { columns, rows }, this.#paint)
    this.#target.write(before + HOME + lines.map((line) => line + CLEAR_LINE).join('\n'))
  }
}
