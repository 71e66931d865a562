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

it.each([
  ["-Sapi_key=q", "-Sapi_key=***"],
  ["params.yaml:db.password=q=", "params.yaml:db.password=***"],
  ["--set-param=params.yaml:token=q", "--set-param=params.yaml:token=***"],
  ["--env=DB_PASSWORD=q", "--env=DB_PASSWORD=***"],
  ["db/password=q", "db/password=***"],
  ["+db@local.password=q", "+db@local.password=***"],
  ["--set-param=lr=0.1", "--set-param=lr=0.1"],
  ["-lr=a=b", "-lr=a=b"],
])("what dvc, Hydra and docker take as name and value: %s", (typed, stored) =>
  expect(hideSecretArguments(["dvc", typed])).toEqual(["dvc", stored]),
);

it("hides values in a script for a shell, but not in the code of another language", () => {
  const script = `cd a; PASSWORD=q python t.py --lr 0.1 --api-key "q q" db.password=q && echo $(x --token $TOKEN "pwd=$PWD")`;
  const stored = `cd a; PASSWORD=*** python t.py --lr 0.1 --api-key *** db.password=*** && echo $(x --token $TOKEN "pwd=$PWD")`;
  expect(hideSecretArguments(["srun", "/bin/bash", "-l", "-c", script])).toEqual(["srun", "/bin/bash", "-l", "-c", stored]);
  expect(hideSecretArguments(["sh", "-ec", "x --token abcd"], ["a; PASSWORD=q"])).toEqual(["sh", "-ec", "x --token ***"]);
  expect(hideSecretArguments(["python", "-c", "a = 1; token=a"])).toEqual(["python", "-c", "a = 1; token=a"]);
});
