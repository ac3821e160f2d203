/* The floor: what the kernel alone asks for. Accepts N sockets, then sends one WebSocket frame to each
 * of them RATE times a second while it is told to, by plain send(2), and nothing else.
 *
 * usage: floor PORT SOCKETS PAYLOAD_IN_HEX RATE
 * Each line on stdin, "go SECONDS", runs one window and answers "frames cpu_seconds short_sends". */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double clock_s(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int port = atoi(argv[1]), sockets = atoi(argv[2]), size = (int)strlen(argv[3]) / 2;
    double rate = atof(argv[4]);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return 1;
    printf("listening\n");
    fflush(stdout);

    int *fds = malloc(sizeof(int) * sockets);
    for (int i = 0; i < sockets; i++) {
        fds[i] = accept(listener, NULL, NULL);
        if (fds[i] < 0) return 1;
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    printf("accepted\n");
    fflush(stdout);

    /* an unmasked binary WebSocket frame, so that the same readers can walk it */
    char *frame = calloc(1, size + 16);
    int head = size < 126 ? 2 : 4;
    frame[0] = (char)0x82;
    if (size < 126) {
        frame[1] = (char)size;
    } else {
        frame[1] = 126;
        frame[2] = (char)(size >> 8);
        frame[3] = (char)size;
    }
    for (int i = 0; i < size; i++) {
        unsigned byte = 0;
        sscanf(argv[3] + 2 * i, "%2x", &byte);
        frame[head + i] = (char)byte;
    }
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        double seconds = atof(line + 3);
        long frames = 0, failed = 0;
        double begin = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        for (long tick = 0; tick < seconds * rate; tick++) {
            double due = begin + tick / rate, now = clock_s(CLOCK_MONOTONIC);
            if (due > now) {
                struct timespec pause = {(time_t)(due - now), (long)((due - now - (time_t)(due - now)) * 1e9)};
                nanosleep(&pause, NULL);
            }
            for (int i = 0; i < sockets; i++) {
                if (send(fds[i], frame, head + size, MSG_NOSIGNAL | MSG_DONTWAIT) == head + size) frames++;
                else failed++;
            }
        }
        printf("%ld %.6f %ld\n", frames, clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu, failed);
        fflush(stdout);
    }
    return 0;
}
