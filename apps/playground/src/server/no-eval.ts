/** Schemas are compiled with eval where it is allowed, and the content policy of the page forbids it: to be loaded before any schema. */
import { config } from 'zod';

config({ jitless: true });
