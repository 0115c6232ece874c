/* Yardstick of benchmark B5 on the C client library.
 * usage: nats_yardstick publish|pubsub|request URL COUNT
 * prints: seconds cpu-seconds p50-microseconds p99-microseconds */
#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PAYLOAD 128
#define WARM_UP 500

static char payload[PAYLOAD];
static long received, expected;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;

static void check(natsStatus status, const char *what)
{
    if (status != NATS_OK)
    {
        fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Throughput runs let the library batch as it does by default; latency runs make it send at once, else its
 * flusher waits up to a millisecond. Each mode gets the setting that suits it best. */
static natsConnection *connect_to(const char *url, bool send_asap)
{
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url), "url");
    check(natsOptions_SetSendAsap(options, send_asap), "send asap");
    check(natsConnection_Connect(&connection, options), "connect");
    natsOptions_Destroy(options);
    return connection;
}

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    if (natsMsg_GetDataLength(msg) == PAYLOAD && ++received == expected)
    {
        pthread_mutex_lock(&gate);
        pthread_cond_signal(&done);
        pthread_mutex_unlock(&gate);
    }
    natsMsg_Destroy(msg);
}

static void on_request(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    check(natsConnection_Publish(nc, natsMsg_GetReply(msg), natsMsg_GetData(msg), natsMsg_GetDataLength(msg)), "reply");
    natsMsg_Destroy(msg);
}

static void publish(natsConnection *connection, long count)
{
    for (long i = 0; i < count; i++)
        check(natsConnection_Publish(connection, "bench.subject", payload, PAYLOAD), "publish");
    check(natsConnection_FlushTimeout(connection, 60000), "flush");
}

static void run_pubsub(natsConnection *publisher, natsConnection *receiver, long count)
{
    natsSubscription *subscription = NULL;
    expected = count;
    check(natsConnection_Subscribe(&subscription, receiver, "bench.subject", on_message, NULL), "subscribe");
    check(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");
    check(natsConnection_Flush(receiver), "flush");
    double c = cpu(), start = now();
    publish(publisher, count);
    pthread_mutex_lock(&gate);
    while (received < expected)
    {
        /* The last message may have been counted before this thread began to wait. */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 1000000;
        if (until.tv_nsec >= 1000000000) { until.tv_sec++; until.tv_nsec -= 1000000000; }
        pthread_cond_timedwait(&done, &gate, &until);
    }
    pthread_mutex_unlock(&gate);
    printf("%.6f %.6f 0 0\n", now() - start, cpu() - c);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void run_request(natsConnection *client, natsConnection *responder, long count)
{
    natsSubscription *subscription = NULL;
    double *micros = calloc((size_t)count, sizeof(double));
    double c = 0, start = 0;
    check(natsConnection_Subscribe(&subscription, responder, "bench.echo", on_request, NULL), "subscribe");
    check(natsConnection_Flush(responder), "flush");
    for (long i = -WARM_UP; i < count; i++)
    {
        natsMsg *reply = NULL;
        if (i == 0)
        {
            c = cpu();
            start = now();
        }
        double begin = now();
        check(natsConnection_Request(&reply, client, "bench.echo", payload, PAYLOAD, 60000), "request");
        if (i >= 0)
            micros[i] = (now() - begin) * 1e6;
        natsMsg_Destroy(reply);
    }
    double seconds = now() - start, used = cpu() - c;
    qsort(micros, (size_t)count, sizeof(double), by_value);
    printf("%.6f %.6f %.2f %.2f\n", seconds, used, micros[count / 2], micros[count * 99 / 100]);
    free(micros);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    long count = atol(argv[3]);
    bool latency = strcmp(argv[1], "request") == 0;
    natsConnection *first = connect_to(argv[2], latency);
    if (strcmp(argv[1], "publish") == 0)
    {
        double c = cpu(), start = now();
        publish(first, count);
        printf("%.6f %.6f 0 0\n", now() - start, cpu() - c);
    }
    else if (strcmp(argv[1], "pubsub") == 0)
        run_pubsub(first, connect_to(argv[2], false), count);
    else
        run_request(first, connect_to(argv[2], latency), count);
    fflush(stdout);
    _Exit(0);
}
