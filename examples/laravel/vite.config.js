import { defineConfig } from 'vite';

export default defineConfig({
    publicDir: false,
    base: '/build/',
    build: {
        outDir: 'public/build',
        manifest: 'manifest.json',
        rollupOptions: { input: ['resources/js/app.js', 'resources/css/app.css'] },
    },
});
