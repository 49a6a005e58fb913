// Plays what main.cpp plays through effect.js, and prints the last sample: node play.js PATH-OF-effect.js
require(process.argv[2])().then(effect => {
    const block = effect._malloc(4 * 64);
    const output = new Float32Array(64);
    for (let t = 0; t < 48000; t += 64) {
        const input = Float32Array.from({ length: 64 }, (_, k) => Math.sin(0.05 * (t + k)));
        effect.HEAPF32.set(input, block / 4);
        effect._effect_process(block, 64);
        output.set(effect.HEAPF32.subarray(block / 4, block / 4 + 64));
    }
    console.log(`last sample ${output[63].toFixed(4)}`);
});
