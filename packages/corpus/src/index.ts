/**
 * From raw text to a clean, citable corpus and its token shards.
 *
 * @module @tunan/corpus
 */
export { Audit, type AuditOptions, type AuditResult } from './audit/audit-corpus.ts';
export { type RatedShare, ratedShares } from './audit/share-interval.ts';
export { type BuildResult, buildCorpus } from './build.ts';
export { type RemoveResult, removeDocuments } from './changes/remove-documents.ts';
export { type UpdateResult, updateCorpus } from './changes/update-corpus.ts';
export { type CleanedPage, type CleanOptions, cleanPage, type StageDecision } from './clean-page.ts';
export { type Manifest, SPLITS, type Split } from './directory/manifest.ts';
export { type Corpus, openCorpus } from './directory/open-corpus.ts';
export { type Document, type Draft, isRejection } from './document.ts';
export { NearTexts } from './duplicates/near-texts.ts';
export { SeenTexts } from './duplicates/seen-texts.ts';
export { CorpusError } from './errors.ts';
export { type ExtractFolderOptions, type ExtractFolderResult, extractFolder } from './extract-folder.ts';
export { type OwnRecipe, recipeFrom } from './own-texts/own-recipe.ts';
export { ownTexts } from './own-texts/own-texts.ts';
export type { BuildOptions, Progress } from './passes/runner.ts';
export { type TrainPerplexityOptions, trainPerplexity } from './quality/train-perplexity.ts';
export { type TrainQualityOptions, trainQuality } from './quality/train-quality.ts';
export { AUTO as AUTO_ENCODING, decodeWhole } from './reading/decoded-text.ts';
export { parseRecipe, type Recipe, readRecipe, recipeSchema } from './recipe/recipe.ts';
export type { ReadFile } from './report/file-list.ts';
export { labelOf } from './report/report-labels.ts';
export { readTable, type TableRow } from './sources/table-rows.ts';
export { documentStages } from './stages/document-stages.ts';
export { readTokensManifest, type ShardOptions, type ShardResult, shardCorpus } from './tokens/shard-corpus.ts';
