// Written by kysely-codegen from the migrated database; do not edit.
export interface DB {}
