export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** A record of a cloud of ours is a few kilobytes. */
const longestBlock = 1024 * 1024;

/** Server-sent events (WHATWG HTML, 9.2.6) as they come in pieces; remembers the id to go on from. */
export class ServerEvents {
  lastId = '';
  #rest = '';

  /** @returns the events that ended in this piece. */
  feed(piece: string): ServerEvent[] {
    const blocks = (this.#rest + piece).replaceAll('\r\n', '\n').split('\n\n');
    this.#rest = blocks.pop()!;
    if (this.#rest.length > longestBlock) throw new Error('The cloud sends no events that end.');
    return blocks.flatMap((block) => this.#read(block));
  }

  #read(block: string): ServerEvent[] {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line)!;
      if (field === 'id') this.lastId = value;
      else if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
    return data.length > 0 ? [{ event, data: data.join('\n') }] : [];
  }
}
