// llm.c's CPU training step as a child of train-step.ts. train_gpt2.c of the folder given with --llmc is included as its own test
// does it: with TESTING it has no main. Usage: driver CHECKPOINT TOKENS B T; TOKENS holds B rows of T + 1 int32.
// Each line "N" on stdin runs N steps and answers {"seconds", "loss"}. The parts of a step stand in the order of its main().
#define TESTING
#include "train_gpt2.c"

static int train_step(GPT2 *model, int *inputs, int *targets, int B, int T, int step) {
    gpt2_forward(model, inputs, targets, B, T);
    gpt2_zero_grad(model);
    gpt2_backward(model);
    gpt2_update(model, 3e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, step);
    return step + 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    const int B = atoi(argv[3]), T = atoi(argv[4]);
    GPT2 model;
    gpt2_build_from_checkpoint(&model, argv[1]);
    int *inputs = mallocCheck(B * T * sizeof(int)), *targets = mallocCheck(B * T * sizeof(int));
    int *row = mallocCheck((T + 1) * sizeof(int));
    FILE *tokens = fopenCheck(argv[2], "rb");
    for (int b = 0; b < B; b++) {
        freadCheck(row, sizeof(int), T + 1, tokens);
        memcpy(inputs + b * T, row, T * sizeof(int));
        memcpy(targets + b * T, row + 1, T * sizeof(int));
    }
    fcloseCheck(tokens);

    int step = train_step(&model, inputs, targets, B, T, 1);
    printf("{\"firstLoss\": %f}\n", model.mean_loss);
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const double start = now();
        for (int i = atoi(line); i > 0; i--) step = train_step(&model, inputs, targets, B, T, step);
        printf("{\"seconds\": %f, \"loss\": %f}\n", now() - start, model.mean_loss);
        fflush(stdout);
    }
    gpt2_free(&model);
    return 0;
}
