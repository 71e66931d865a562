import { expect, it } from "vitest";
import { hideSecretArguments, hideSecrets, isSecretFile, isSecretKey } from "../../src/config/secrets.ts";

it.each(["password", "WANDB_API_KEY", "dbPassword", "hf-token", "HF_TOKEN", "aws.secret_access_key", "apikey", "clientSecret"])(
  "%s names a secret",
  (name) => expect(isSecretKey(name)).toBe(true),
);
it.each(["lr", "max_tokens", "pad_token", "tokenizer", "author", "key", "monkey", "secretary", "num_token", "token_dim", "accuracy"])(
  "%s names no secret",
  (name) => expect(isSecretKey(name)).toBe(false),
);
it.each([
  ".env",
  "app/.env.production",
  "deploy/server.pem",
  "id_ed25519",
  ".aws/config",
  "credentials.json",
  "my-token.txt",
  "sub/.netrc",
])("%s is held back as a secret", (path) => expect(isSecretFile(path)).toBe(true));
it.each([".env.example", "tokenizer.json", "src/password.py", "train.py", "keys.csv", "src/secrets.ts", "data/tokens.txt"])(
  "%s is an ordinary file",
  (path) => expect(isSecretFile(path)).toBe(false),
);

it("hides values, in tables and in command lines", () => {
  expect(hideSecrets({ lr: "1e-5", api_key: "abc" })).toEqual({ lr: "1e-5", api_key: "***" });
  const typed = [
    "train.py",
    "--api-key",
    "abc",
    "--token=xyz",
    "PASSWORD=q",
    "db.password=q",
    "+x.api_key=q",
    "++token=q",
    "+lr.schedule=q",
    "--lr",
    "0.1",
    "--url=https://u:hunter22@h",
    "--password",
    "--verbose",
  ];
  expect(hideSecretArguments(typed, ["hunter22", "0"])).toEqual([
    "train.py",
    "--api-key",
    "***",
    "--token=***",
    "PASSWORD=***",
    "db.password=***",
    "+x.api_key=***",
    "++token=***",
    "+lr.schedule=q",
    "--lr",
    "0.1",
    "--url=https://u:***@h",
    "--password",
    "--verbose",
  ]);
});
