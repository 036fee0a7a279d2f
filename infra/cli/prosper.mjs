#!/usr/bin/env node
// The `prosper` command was here until it moved. npx keeps the links it made then, and would find nothing.
import "../launch/prosper.mjs";
