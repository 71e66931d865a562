import { join } from "node:path";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/platform/sqlite.ts";
import { hasNoRows, sameRows } from "../../src/results/same-rows.ts";
import { makeFolder } from "../support/repository.ts";

const TABLE = "CREATE TABLE t (a, b);";
const ROWS = `${TABLE} INSERT INTO t VALUES (1, 'x'), (1, 'x'), (NULL, 'NaN');`;

const WIDE = `CREATE TABLE w (${Array.from({ length: 2000 }, (_, index) => `c${index} COLLATE NOCASE`).join(", ")}); INSERT INTO w (c0, c1999) VALUES`;

it.each([
  ["as many columns as a table can have", `${WIDE} (1, 'x')`, `${WIDE} (1, 'x')`, true],
  ["of so many one in another case", `${WIDE} (1, 'x')`, `${WIDE} (1, 'X')`, false],
  ["of so many one a real", `${WIDE} (1, 'x')`, `${WIDE} (1.0, 'x')`, false],
  ["of so many one that is none", `${WIDE} (1, 'x')`, `${WIDE} (1, NULL)`, false],
  ["of so many one text that goes on behind a NUL", `${WIDE} (1, 'x' || char(0) || 'a')`, `${WIDE} (1, 'x' || char(0) || 'b')`, false],
  ["of so many two that are parted otherwise", `${WIDE} ('a,b', 'x')`, `${WIDE} ('a', 'b,x')`, false],
  ["the same rows in another order", ROWS, `${TABLE} INSERT INTO t VALUES (NULL, 'NaN'), (1, 'x'), (1, 'x');`, true],
  ["a column and a table with nothing in them", ROWS, `${ROWS} ALTER TABLE t ADD COLUMN c; CREATE TABLE u (z);`, true],
  ["a column with a value", ROWS, `${ROWS} ALTER TABLE t ADD COLUMN c; UPDATE t SET c = 0;`, false],
  ["a table with a row", ROWS, `${ROWS} CREATE TABLE u (z); INSERT INTO u VALUES (1);`, false],
  ["a row of its own", ROWS, `${ROWS} INSERT INTO t VALUES (2, 'y');`, false],
  ["a row less", ROWS, `${TABLE} INSERT INTO t VALUES (1, 'x'), (NULL, 'NaN');`, false],
  ["an integer for a real", ROWS, `${TABLE} INSERT INTO t VALUES (1.0, 'x'), (1, 'x'), (NULL, 'NaN');`, false],
  [
    "letters of another case, where the column takes them for the same",
    "CREATE TABLE t (a COLLATE NOCASE, b COLLATE RTRIM); INSERT INTO t VALUES ('A', 'x');",
    "CREATE TABLE t (a COLLATE NOCASE, b COLLATE RTRIM); INSERT INTO t VALUES ('a', 'x');",
    false,
  ],
  [
    "blanks behind a text, where the column takes them for nothing",
    "CREATE TABLE t (b COLLATE RTRIM); INSERT INTO t VALUES ('x');",
    "CREATE TABLE t (b COLLATE RTRIM); INSERT INTO t VALUES ('x ');",
    false,
  ],
])("%s", (_what, one, other, same) => {
  const folder = makeFolder();
  const paths = [one, other].map((sql, index) => {
    const path = join(folder, `${index}.db`);
    const db = openDatabase(path, { create: true });
    db.exec(sql);
    db.close();
    return path;
  });
  for (const [path = "", copy = ""] of [paths, paths.toReversed()]) {
    const db = openDatabase(path);
    expect(sameRows(db, copy)).toBe(same);
    expect(hasNoRows(db)).toBe(false);
    db.close();
  }
});

it("an empty database has no rows, whatever its tables", () => {
  const db = openDatabase(join(makeFolder(), "empty.db"), { create: true });
  expect(hasNoRows(db)).toBe(true);
  db.exec(TABLE);
  expect(hasNoRows(db)).toBe(true);
  db.close();
});
