import { MAINNET_BITS } from "../../../shared/hash/lxr.ts";
import { openTable } from "../../../shared/hash/open-table.ts";
import { SILENT } from "../../../shared/logger.ts";
import { describeVectors } from "../../support/hash/vectors.ts";

// openTable has compared the table's sha256 with the reference's.
describeVectors(MAINNET_BITS, () => openTable({ bits: MAINNET_BITS, logger: SILENT }));
