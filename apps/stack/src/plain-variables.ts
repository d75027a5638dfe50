/** What a process needs of its surroundings: where programs and certificates are, and how to write a date. */
const plain =
  /^(PATH|HOME|TZ|LANG|LC_[A-Z]+|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|XDG_RUNTIME_DIR)$/;

/** The environment without anything that could be a secret: an allow list, for nobody knows all names of secrets. */
export const plainVariables = (all: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(all).filter(([name]) => plain.test(name)));
