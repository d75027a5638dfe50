export type Part =
  | { readonly t: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly t: 'param';
      readonly name: string;
      readonly quoted: boolean;
      /** `-`, `:-`, `=`, `:=`, `+`, `:+`, `?`, `:?`, `#`, `##`, `%`, `%%`; `length` for `${#x}`. */
      readonly op: string | null;
      readonly word: Word;
    }
  | { readonly t: 'command'; readonly body: Node; readonly quoted: boolean }
  | { readonly t: 'arith'; readonly word: Word; readonly quoted: boolean };

export type Word = readonly Part[];

export interface Redirect {
  readonly fd: number;
  readonly op: '<' | '>' | '>>' | '>&' | '<<';
  readonly word: Word;
}

export type Node =
  | {
      readonly t: 'simple';
      readonly assigns: readonly (readonly [string, Word])[];
      readonly words: readonly Word[];
      readonly redirects: readonly Redirect[];
    }
  | { readonly t: 'pipe'; readonly parts: readonly Node[]; readonly negate: boolean }
  | { readonly t: 'and' | 'or'; readonly left: Node; readonly right: Node }
  | { readonly t: 'seq'; readonly items: readonly Node[] }
  | { readonly t: 'background' | 'subshell'; readonly body: Node }
  | {
      readonly t: 'if';
      readonly clauses: readonly (readonly [Node, Node])[];
      readonly otherwise: Node | null;
    }
  | { readonly t: 'while'; readonly until: boolean; readonly cond: Node; readonly body: Node }
  | { readonly t: 'for'; readonly name: string; readonly words: readonly Word[] | null; readonly body: Node }
  | { readonly t: 'case'; readonly word: Word; readonly arms: readonly (readonly [readonly Word[], Node])[] }
  | { readonly t: 'function'; readonly name: string; readonly body: Node }
  | { readonly t: 'redirected'; readonly body: Node; readonly redirects: readonly Redirect[] };

export class SyntaxFailure extends Error {
  override readonly name = 'SyntaxFailure';
  constructor(
    message: string,
    /** More lines could still make it right. */
    readonly unfinished: boolean,
  ) {
    super(message);
  }
}
