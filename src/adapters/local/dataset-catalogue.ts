/** The data sets that GroupLens publishes, with what their readers must know. */
import { NcfError } from "../../core/errors.ts";

export interface PublishedDataset {
  readonly name: string;
  /** Name of the zip beside which the same name with `.md5` lies. */
  readonly archive: string;
  /** What GroupLens asks of users of the data, in our words. */
  readonly terms: string;
  /** GroupLens's own description with the terms in full. */
  readonly readmeUrl: string;
  readonly citation: string;
  /** sha256 of ratings.csv inside, hex, where the figures that we publish depend on the edition; else null. */
  readonly ratingsSha256: string | null;
}

/** Where GroupLens's archives lie. */
export const grouplensUrl = "https://files.grouplens.org/datasets/movielens/";

const citation =
  "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on " +
  "Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872";

const shared =
  "Made available by GroupLens Research, University of Minnesota, for research. Cite it in what you publish, do not suggest " +
  "that GroupLens endorses you, and ask them before any commercial use.";
const passOnAlike = "You may pass it on under the same terms only.";
const noPassingOn = "You may not pass it on without their permission.";

function published(
  name: string,
  passingOn: string,
  readme: string,
  ratingsSha256: string | null = null,
): PublishedDataset {
  return {
    name,
    archive: `${name}.zip`,
    terms: `${shared} ${passingOn}`,
    readmeUrl: `${grouplensUrl}${readme}`,
    citation,
    ratingsSha256,
  };
}

export const publishedDatasets: readonly PublishedDataset[] = [
  published(
    "ml-latest-small",
    passOnAlike,
    "ml-latest-small-README.html",
    "aa289ca83157595d0df6aea1be6a4ded676ddc4385472e8313a8ed9805352646",
  ),
  published("ml-100k", noPassingOn, "ml-100k-README.txt"),
  published("ml-1m", noPassingOn, "ml-1m-README.txt"),
  published("ml-10m", noPassingOn, "ml-10m-README.html"),
  published("ml-20m", passOnAlike, "ml-20m-README.html"),
  published("ml-25m", passOnAlike, "ml-25m-README.html"),
  published("ml-32m", passOnAlike, "ml-32m-README.html"),
];

/** @throws NcfError `DATASET_UNKNOWN` */
export function publishedDataset(name: string): PublishedDataset {
  const found = publishedDatasets.find((dataset) => dataset.name === name);
  if (found !== undefined) return found;
  const names = publishedDatasets.map((dataset) => dataset.name).join(", ");
  throw new NcfError(
    "DATASET_UNKNOWN",
    `expected the name of a data set (${names}) or a path that exists, found "${name}"`,
  );
}
