import { Pipe, type Output } from './pipes.js';

const mostLine = 4096;

/**
 * A terminal's line discipline: echo, line editing (backspace, ^U, ^W), ^C, ^D, and `\n` shown as `\r\n`.
 * The bytes of every client that is attached come in by `type`.
 */
export class Tty implements Output {
  readonly input = new Pipe();
  columns = 80;
  rows = 24;
  /** ^C: true when something in the foreground took it. */
  onInterrupt: () => boolean = () => false;
  private line: string[] = [];

  constructor(private readonly screen: Output) {}

  write(data: Buffer): Promise<void> {
    if (!data.includes(0x0a)) return this.screen.write(data);
    return this.screen.write(Buffer.from(data.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'));
  }

  async type(data: Buffer): Promise<void> {
    for (const c of data.toString('latin1')) await this.key(c);
  }

  hangUp(): void {
    this.input.end();
  }

  private async key(c: string): Promise<void> {
    switch (c) {
      case '\r':
      case '\n':
        await this.show('\r\n');
        return this.enter('\n');
      case '\x03':
        this.line = [];
        await this.show('^C\r\n');
        if (!this.onInterrupt()) await this.input.write(Buffer.from('\n'));
        return;
      case '\x04':
        if (this.line.length > 0) return this.enter('');
        // The end of file of a terminal is not its end; the model's readers stop at the first.
        return this.input.end();
      case '\x7f':
      case '\b':
        if (this.line.pop() !== undefined) await this.show('\b \b');
        return;
      case '\x15':
        while (this.line.pop() !== undefined) await this.show('\b \b');
        return;
      default:
        // Escape sequences of arrow keys are not modelled; their letters would be noise.
        if ((c < ' ' && c !== '\t') || this.line.length >= mostLine) return;
        this.line.push(c);
        return this.show(c);
    }
  }

  private async enter(end: string): Promise<void> {
    const text = this.line.join('') + end;
    this.line = [];
    await this.input.write(Buffer.from(text, 'latin1'));
  }

  private show(text: string): Promise<void> {
    return this.screen.write(Buffer.from(text, 'latin1'));
  }
}
