/** `$(( ))`: integers, parentheses, the usual operators, names. @throws Error for what is no expression. */
export function arithmetic(text: string, value: (name: string) => string): number {
  const tokens = text.match(/\d+|[A-Za-z_]\w*|\*\*|<=|>=|==|!=|&&|\|\||<<|>>|[-+*/%()<>!~&|^?:]|\S/g) ?? [];
  if (tokens.length > 1000) throw new Error('arithmetic syntax error');
  let at = 0;
  const binary = (level: number): number => {
    const operators = levels[level];
    if (!operators) return unary();
    let left = binary(level + 1);
    for (let op = operators[tokens[at] ?? '']; op; op = operators[tokens[at] ?? '']) {
      at++;
      left = op(left, binary(level + 1));
    }
    return left;
  };
  const unary = (): number => {
    const token = tokens[at++] ?? '';
    if (token === '-') return -unary();
    if (token === '+') return unary();
    if (token === '!') return unary() === 0 ? 1 : 0;
    if (token === '~') return ~unary();
    if (token === '(') {
      const inner = ternary();
      if (tokens[at++] !== ')') throw new Error('arithmetic syntax error');
      return inner;
    }
    if (/^\d/.test(token)) return Number.parseInt(token, 10);
    if (/^[A-Za-z_]/.test(token)) return Number.parseInt(value(token), 10) || 0;
    throw new Error('arithmetic syntax error');
  };
  const ternary = (): number => {
    const cond = binary(0);
    if (tokens[at] !== '?') return cond;
    at++;
    const yes = ternary();
    if (tokens[at++] !== ':') throw new Error('arithmetic syntax error');
    const no = ternary();
    return cond ? yes : no;
  };
  if (tokens.length === 0) return 0;
  const result = ternary();
  if (at < tokens.length) throw new Error('arithmetic syntax error');
  return result;
}

type Operator = (a: number, b: number) => number;
const flag = (truth: boolean): number => (truth ? 1 : 0);
const divide = (a: number, b: number, rest: boolean): number => {
  if (b === 0) throw new Error('divide by zero');
  return rest ? a % b : Math.trunc(a / b);
};
const levels: readonly Readonly<Record<string, Operator>>[] = [
  { '||': (a, b) => flag(a !== 0 || b !== 0) },
  { '&&': (a, b) => flag(a !== 0 && b !== 0) },
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '==': (a, b) => flag(a === b), '!=': (a, b) => flag(a !== b) },
  {
    '<': (a, b) => flag(a < b),
    '>': (a, b) => flag(a > b),
    '<=': (a, b) => flag(a <= b),
    '>=': (a, b) => flag(a >= b),
  },
  { '<<': (a, b) => a << b, '>>': (a, b) => a >> b },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => divide(a, b, false), '%': (a, b) => divide(a, b, true) },
];
