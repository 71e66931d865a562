/** What looks like a secret: keys whose values are stored as `***`, and files that never enter a commit by themselves. */
import { basename } from "node:path/posix";

export const HIDDEN_VALUE = "***";

const SECRET_WORDS = new Set(["password", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials", "apikey"]);
const SECRET_PAIRS = new Set(["api key", "access key", "private key", "secret key", "auth key", "signing key", "connection string"]);
/** `pad_token`, `max_token`: words of language models, not keys of doors. */
const TOKEN_OF_A_MODEL = new Set(
  "pad eos bos unk sep cls mask special start end stop first last next per max min num n image text begin".split(" "),
);

/** True for `WANDB_API_KEY`, `dbPassword`, `hf-token`; false for `max_tokens`, `pad_token`, `author`, `key`. */
export function isSecretKey(name: string): boolean {
  const words = wordsOf(name);
  return words.some((word, index) => {
    const before = words[index - 1] ?? "";
    if (SECRET_WORDS.has(word) || SECRET_PAIRS.has(`${before} ${word}`)) return true;
    return word === "token" && index === words.length - 1 && !TOKEN_OF_A_MODEL.has(before);
  });
}

/** The same values with those of secret-looking keys hidden. */
export function hideSecrets(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, isSecretKey(key) ? HIDDEN_VALUE : value]));
}

/**
 * A command line fit to be stored: the values of secret-looking options (`--api-key X`, `--api-key=X`, `PASSWORD=X`, Hydra's `+db.password=X`, dvc's
 * `-S conf.yaml:db.password=X`) and the given secret texts wherever they stand are hidden; so in a script for a shell.
 */
export function hideSecretArguments(argv: readonly string[], secrets: readonly string[] = []): string[] {
  const texts = secrets.filter((text) => text.length >= 4).sort((one, other) => other.length - one.length);
  return argv.map((argument, index) => {
    const previous = argv[index - 1] ?? "";
    if (isSecretOption(previous) && !argument.startsWith("-")) return HIDDEN_VALUE;
    const plain = hideValue(texts.reduce((text, secret) => text.replaceAll(secret, HIDDEN_VALUE), argument));
    return isScript(argv, index) ? hideInScript(plain) : plain;
  });
}

function isSecretOption(argument: string): boolean {
  return /^--?[\w.-]+$/.test(argument) && isSecretKey(argument);
}

/** An option may take a name and its value as one: `--set-param=lr=1`, `-Slr=1`. */
function hideValue(argument: string): string {
  const names = /^[-+\w.:@/=]*=/.exec(argument)?.[0] ?? "";
  let start = 0;
  for (const name of names.split("=").slice(0, -1)) {
    start += name.length + 1;
    if (isSecretKey(name) || isSecretKey(name.replace(/^-[A-Za-z]/, ""))) return argument.slice(0, start) + HIDDEN_VALUE;
  }
  return argument;
}

/** Of `sh -c SCRIPT`. */
function isScript(argv: readonly string[], index: number): boolean {
  if (!/^-\w*c$/.test(argv[index - 1] ?? "")) return false;
  const program = argv.slice(0, index - 1).findLast((word) => !word.startsWith("-"));
  return program !== undefined && /^(?:ba|da|k|z|a)?sh$/.test(basename(program));
}

/** Word by word. What the shell puts in place of a variable stands elsewhere. */
function hideInScript(script: string): string {
  const pieces = script.split(/((?:"[^"]*"|'[^']*'|[^\s;&|()"'])+)/);
  const words = pieces.filter((_, index) => index % 2 === 1);
  const hidden = hideSecretArguments(words).map((text, index) => (/^([^=]+=)?"?\$/.test(words[index] ?? "") ? words[index] : text));
  return pieces.map((piece, index) => (index % 2 === 1 ? hidden[(index - 1) / 2] : piece)).join("");
}

const SECRET_FILE_NAMES = [
  /^\.env$/,
  /^\.env\.(?!example$|sample$|template$|dist$)/,
  /^\.(netrc|npmrc|pypirc|pgpass|git-credentials|htpasswd|boto|s3cfg)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)/,
  /\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx|asc|gpg)$/,
  /^kaggle\.json$/,
  /^service[-_]?account.*\.json$/,
  /^client[-_]?secrets?.*\.json$/,
  /^application_default_credentials\.json$/,
];
const SECRET_FOLDERS = new Set([".ssh", ".aws", ".gnupg", ".azure", ".kube", ".docker"]);
/** A module named `password.py` handles secrets; it holds none. */
const CODE = /\.(py|pyi|ipynb|js|mjs|cjs|ts|tsx|jsx|r|jl|rs|go|java|kt|scala|c|cc|cpp|h|hpp|cu|sh|md|rst|html|css|sql)$/;

/** True for a file that by its name holds a secret. `path` relative to the root, with `/`. */
export function isSecretFile(path: string): boolean {
  const name = basename(path).toLowerCase();
  if (SECRET_FILE_NAMES.some((pattern) => pattern.test(name))) return true;
  if (
    path
      .split("/")
      .slice(0, -1)
      .some((folder) => SECRET_FOLDERS.has(folder))
  )
    return true;
  return (
    !CODE.test(name) &&
    isSecretKey(
      basename(path)
        .replace(/^\.+/, "")
        .replace(/\.[^.]*$/, ""),
    )
  );
}

/** `dbPassword-2` → db, password, 2. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}
