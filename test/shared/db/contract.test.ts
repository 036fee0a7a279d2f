import { describeDbContract } from "../../support/contracts/db.ts";
import { createTestDatabase } from "../../support/database.ts";

describeDbContract("the pg driver", () => createTestDatabase({ migrated: false, driver: "pg" }));
describeDbContract("the Data API driver", () => createTestDatabase({ migrated: false, driver: "data-api" }));
