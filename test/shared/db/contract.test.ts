import { describeDbContract } from "../../contracts/db.ts";
import { createTestDatabase } from "../../helpers/database.ts";

describeDbContract("the pg driver", () => createTestDatabase({ migrated: false, driver: "pg" }));
describeDbContract("the Data API driver", () => createTestDatabase({ migrated: false, driver: "data-api" }));
