/** Variables to set; null: must not be set. */
export type Variables = Readonly<Record<string, string | null>>;

export const shells = ['sh', 'fish', 'json'] as const;
export type Shell = (typeof shells)[number];

/** In both kinds of shell everything between single quotes is text. */
const quoted: Readonly<Record<'sh' | 'fish', (text: string) => string>> = {
  sh: (text) => `'${text.replaceAll("'", "'\\''")}'`,
  fish: (text) => `'${text.replaceAll(/[\\']/g, '\\$&')}'`,
};

const lines: Readonly<Record<'sh' | 'fish', (name: string, value: string | null) => string>> = {
  sh: (name, value) => (value === null ? `unset ${name}` : `export ${name}=${quoted.sh(value)}`),
  fish: (name, value) => (value === null ? `set -e ${name}` : `set -gx ${name} ${quoted.fish(value)}`),
};

/** What a shell evaluates: `eval "$(…)"`, in fish `… | source`. */
export function spoken(variables: Variables, shell: Shell): string {
  if (shell === 'json') return `${JSON.stringify(variables, null, 2)}\n`;
  const line = lines[shell];
  return Object.entries(variables)
    .map(([name, value]) => `${line(name, value)};\n`)
    .join('');
}

/** How one says it in a terminal. */
export const howToUse = (command: string, shell: Exclude<Shell, 'json'>): string =>
  shell === 'fish' ? `${command} | source` : `eval "$(${command})"`;

export const shellOf = (env: Readonly<Record<string, string | undefined>>): 'sh' | 'fish' =>
  /(^|\/)fish$/.test(env['SHELL'] ?? '') ? 'fish' : 'sh';
