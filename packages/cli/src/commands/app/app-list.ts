/** `tunan app list` */
import { galleryApps } from '../../apps/find-app.ts';
import { defineCommand } from '../../command.ts';
import { spoken, text } from '../../language.ts';
import { alignedTable } from '../../table.ts';

export default defineCommand({
  positionals: {},
  options: {},
  examples: ['tunan app list', 'tunan app list --json'],
  reports: true,
  run: async () => {
    const apps = await galleryApps();
    const rows = apps.map((app) => [
      app.name,
      spoken(app.title),
      app.inputs.map(({ name }) => name).join(' '),
      app.needs,
      String(app.examples.length),
    ]);
    const heads = [
      text('name', '名字'),
      text('title', '名称'),
      text('inputs', '输入'),
      text('needs', '需要'),
      text('examples', '示例数'),
    ];
    return {
      data: apps.map(({ name, title, description, group, needs, inputs, checks, measure }) => {
        return { name, title, description, group, needs, inputs, checks: checks.map(({ use }) => use), measure };
      }),
      lines: alignedTable(heads, rows),
    };
  },
});
