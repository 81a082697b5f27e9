/**
 * The SQL of a build on Spark: what is done for one document runs under SELECT TRANSFORM, what needs several is a join or a
 * grouping. Rows that pass through a program are one JSON column each way. Tables of one script that the next one needs
 * are Parquet files in the work folder, which all machines must see under one path, as they must the corpus directory.
 */
import { WINDOW } from '../duplicates/near-duplicates.ts';
import type { LineOptions } from '../duplicates/repeated-lines.ts';
import { UNIT_SPAN } from './job.ts';

/** Paths of a build as SQL names them. */
export class Paths {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** For LOCATION and DIRECTORY. */
  at(name: string): string {
    return `'file://${this.#folder}/${name}'`;
  }

  /** For FROM. */
  file(format: 'text' | 'parquet', name: string): string {
    return `${format}.\`file://${this.#folder}/${name}\``;
  }

  /** The command of a step, for USING. */
  program(step: 'read' | 'compare' | 'write'): string {
    return `'bash "${this.#folder}/stage.sh" ${step}'`;
  }
}

/** No value is left out or cut because it is long or odd: a row that is not understood ends the build. */
const STRICT = `map('mode', 'FAILFAST', 'maxStringLen', '2000000000')`;

const ROW = [
  'kind STRING, unit BIGINT, place BIGINT, id STRING, line STRING, digest STRING, site BIGINT',
  'keys ARRAY<BIGINT>, shingles STRING, records ARRAY<ARRAY<BIGINT>>',
  'documents BIGINT, rejects BIGINT, numbers STRING',
].join(', ');

const documentsView = (paths: Paths) => `
CREATE TEMPORARY VIEW documents AS
SELECT unit * ${UNIT_SPAN} + place AS doc, * FROM ${paths.file('parquet', 'rows')} WHERE kind = 'document';
`;

/** Every unit through the stages; what is alike; counts of what came out. */
export function readScript(paths: Paths, units: number, stages: { exact: boolean; near: boolean }): string {
  const read = `
CREATE TABLE read_rows USING parquet LOCATION ${paths.at('rows')} AS
SELECT parsed.* FROM (
  SELECT from_json(row, '${ROW}', ${STRICT}) AS parsed FROM (
    SELECT TRANSFORM(task) USING ${paths.program('read')} AS (row STRING)
    FROM (SELECT /*+ REPARTITION(${Math.min(units, 10_000)}) */ value AS task FROM ${paths.file('text', 'units.txt')})
  )
);
${documentsView(paths)}
INSERT OVERWRITE DIRECTORY ${paths.at('unit-numbers')} USING text
SELECT to_json(struct(unit, documents, rejects, numbers)) AS value FROM ${paths.file('parquet', 'rows')} WHERE kind = 'unit';
`;
  const near = `
CREATE TABLE bands USING parquet LOCATION ${paths.at('bands')} AS
SELECT band, key, doc FROM (
  SELECT doc, keys, ${stages.exact ? 'min(doc) OVER (PARTITION BY digest)' : 'doc'} AS first FROM documents
) LATERAL VIEW posexplode(keys) exploded AS band, key
WHERE first = doc;

CREATE TEMPORARY VIEW ranked AS
SELECT band, key, doc, row_number() OVER (PARTITION BY band, key ORDER BY doc) AS place FROM bands;

CREATE TABLE candidates USING parquet LOCATION ${paths.at('candidates')} AS
SELECT DISTINCT x.doc AS a, y.doc AS b FROM ranked x JOIN ranked y
ON x.band = y.band AND x.key = y.key AND y.place > x.place AND y.place <= x.place + ${WINDOW};

INSERT OVERWRITE DIRECTORY ${paths.at('pairs')} USING text
SELECT pair AS value FROM (
  SELECT TRANSFORM(row) USING ${paths.program('compare')} AS (pair STRING) FROM (
    SELECT to_json(struct(c.a, c.b, x.shingles AS x, y.shingles AS y)) AS row
    FROM candidates c JOIN documents x ON c.a = x.doc JOIN documents y ON c.b = y.doc
  )
);
`;
  const counts = `
INSERT OVERWRITE DIRECTORY ${paths.at('counts')} USING text
SELECT to_json(struct(
  (SELECT count(*) FROM documents) AS documents,
  (SELECT count(DISTINCT doc) FROM documents) AS places,
  (SELECT count(DISTINCT digest) FROM documents) AS contents,
  (SELECT count(*) FROM ${paths.file('parquet', 'rows')} WHERE kind = 'reject') AS rejects,
  (SELECT count(*) FROM ${paths.file('parquet', 'rows')} WHERE kind = 'unit') AS units,
  ${stages.near ? '(SELECT count(*) FROM candidates)' : '0'} AS candidates
)) AS value;
`;
  return read + (stages.near ? near : '') + counts;
}

/** Which of the pairs that `named-pairs.txt` numbers are alike. */
export function pairsScript(paths: Paths, out: string): string {
  return `
${documentsView(paths)}
CREATE TEMPORARY VIEW named AS
SELECT parsed.* FROM (SELECT from_json(value, 'a BIGINT, b BIGINT', ${STRICT}) AS parsed FROM ${paths.file('text', 'named-pairs.txt')});

INSERT OVERWRITE DIRECTORY ${paths.at(out)} USING text
SELECT pair AS value FROM (
  SELECT TRANSFORM(row) USING ${paths.program('compare')} AS (pair STRING) FROM (
    SELECT to_json(struct(n.a, n.b, x.shingles AS x, y.shingles AS y)) AS row
    FROM named n JOIN documents x ON n.a = x.doc JOIN documents y ON n.b = y.doc
  )
);
`;
}

/** Lines that many documents of a site share; the documents that `gone.txt` numbers take no part. */
export function linesScript(paths: Paths, { minDocuments, minShare }: LineOptions): string {
  return `
${documentsView(paths)}
CREATE TABLE part USING parquet LOCATION ${paths.at('part')} AS
SELECT doc, site, records FROM documents LEFT ANTI JOIN (
  SELECT CAST(value AS BIGINT) AS number FROM ${paths.file('text', 'gone.txt')}
) ON doc = number;

CREATE TEMPORARY VIEW records AS
SELECT doc, site, record[0] AS high, record[1] AS low, record[2] AS units
FROM part LATERAL VIEW explode(records) exploded AS record;

CREATE TABLE repeated USING parquet LOCATION ${paths.at('repeated')} AS
SELECT high, low FROM (
  SELECT r.high, r.low, p.pages, count(*) AS found
  FROM records r JOIN (SELECT site, count(*) AS pages FROM part GROUP BY site) p ON r.site = p.site
  GROUP BY r.site, p.pages, r.high, r.low
) WHERE found >= greatest(CAST(${minDocuments} AS DOUBLE), CAST(${minShare} AS DOUBLE) * pages);

INSERT OVERWRITE DIRECTORY ${paths.at('repeated-lines')} USING text
SELECT to_json(struct(high, low)) AS value FROM repeated;

INSERT OVERWRITE DIRECTORY ${paths.at('lines-lost')} USING text
SELECT to_json(struct(doc, sum(IF(p.high IS NULL, r.units, 0)) AS left)) AS value
FROM records r LEFT JOIN (SELECT DISTINCT high, low FROM repeated) p ON r.high = p.high AND r.low = p.low
GROUP BY doc HAVING count(p.high) > 0;
`;
}

/** Shards by the plan, each by one program in its order; ids and texts that clusters and samples name. */
export function writeScript(paths: Paths, shards: number): string {
  const plan =
    'shard BIGINT, place BIGINT, change INT, kind STRING, unit BIGINT, at BIGINT, keptUnit BIGINT, keptAt BIGINT';
  return `
SET spark.sql.adaptive.enabled = false;
SET spark.sql.shuffle.partitions = ${Math.min(10_000, Math.max(2, shards))};
${documentsView(paths)}
CREATE TEMPORARY VIEW plan AS
SELECT parsed.* FROM (SELECT from_json(value, '${plan}', ${STRICT}) AS parsed FROM ${paths.file('text', 'plan.txt')});

INSERT OVERWRITE DIRECTORY ${paths.at('written')} USING text
SELECT result AS value FROM (
  SELECT TRANSFORM(row) USING ${paths.program('write')} AS (result STRING) FROM (
    SELECT to_json(struct(shard, place, change, line, kept)) AS row FROM (
      SELECT p.shard, p.place, p.change, r.line, k.id AS kept
      FROM plan p
      JOIN ${paths.file('parquet', 'rows')} r ON r.kind = p.kind AND r.unit = p.unit AND r.place = p.at
      LEFT JOIN documents k ON k.unit = p.keptUnit AND k.place = p.keptAt
      DISTRIBUTE BY shard SORT BY shard, place
    )
  )
);

INSERT OVERWRITE DIRECTORY ${paths.at('named')} USING text
SELECT to_json(struct(d.doc, d.id, IF(n.text, d.line, NULL) AS line)) AS value
FROM (
  SELECT parsed.* FROM (SELECT from_json(value, 'doc BIGINT, text BOOLEAN', ${STRICT}) AS parsed FROM ${paths.file('text', 'named.txt')})
) n JOIN documents d ON d.doc = n.doc;
`;
}
