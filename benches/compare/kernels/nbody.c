// Five bodies under gravity, n steps of leapfrog. The checksum is the bits of the energy: no
// engine may round differently.
#include "kernel.h"

#define BODIES 5
struct body {
    double x[3], v[3], mass;
};

static const struct body start[BODIES] = {
    {{0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, 40.0},
    {{4.75, -1.25, -0.125}, {0.625, 2.75, -0.03125}, 0.0375},
    {{8.25, 4.125, -0.375}, {-1.0, 1.8125, 0.0078125}, 0.01125},
    {{12.875, -15.125, -0.25}, {1.0625, 0.875, -0.015625}, 0.00175},
    {{15.375, -25.875, 0.1875}, {0.96875, 0.59375, -0.03125}, 0.002},
};
static struct body bodies[BODIES];

static inline double root(double x) { return __builtin_sqrt(x); }

static void pull(double dt) {
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            struct body *p = &bodies[i], *q = &bodies[j];
            double dx = p->x[0] - q->x[0], dy = p->x[1] - q->x[1], dz = p->x[2] - q->x[2];
            double square = dx * dx + dy * dy + dz * dz;
            double push = dt / (square * root(square));
            double by_q = q->mass * push, by_p = p->mass * push;
            p->v[0] -= dx * by_q;
            p->v[1] -= dy * by_q;
            p->v[2] -= dz * by_q;
            q->v[0] += dx * by_p;
            q->v[1] += dy * by_p;
            q->v[2] += dz * by_p;
        }
}

static double energy(void) {
    double sum = 0.0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *p = &bodies[i];
        sum += 0.5 * p->mass * (p->v[0] * p->v[0] + p->v[1] * p->v[1] + p->v[2] * p->v[2]);
        for (int j = i + 1; j < BODIES; j++) {
            const struct body *q = &bodies[j];
            double dx = p->x[0] - q->x[0], dy = p->x[1] - q->x[1], dz = p->x[2] - q->x[2];
            sum -= p->mass * q->mass / root(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

KERNEL i64 run(i32 n) {
    for (int i = 0; i < BODIES; i++) bodies[i] = start[i];
    for (i32 step = 0; step < n; step++) {
        pull(0.0078125);
        for (int i = 0; i < BODIES; i++)
            for (int k = 0; k < 3; k++) bodies[i].x[k] += 0.0078125 * bodies[i].v[k];
    }
    union {
        double value;
        i64 bits;
    } e = {energy()};
    return e.bits;
}
