using Shouldly;
using Sync.Contracts;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Transport;

/// <summary>Carrying a message within the process costs no memory: what is measured is each thread's own count, which other
/// tests do not touch.</summary>
public sealed class AllocationTests
{
    private const int Rounds = 500;
    private const int Window = 32;

    [Fact]
    public async Task Publishing_and_delivering_allocate_nothing_per_message()
    {
        await using var transport = new InProcessTransport();
        var meter = new Meter();
        await transport.SubscribeAsync(Sample.Key, meter);
        var envelope = Sample.Envelope(Sample.Key, 1);
        var published = 0L;
        for (var round = 1; round <= Rounds; round++)
        {
            var allocated = Publish(transport, envelope, Window);
            // The first rounds grow the mailbox; the second half shows what it costs from then on.
            if (round > Rounds / 2) published += allocated;
            await meter.CountAsync(round * Window);
        }
        // A few bytes are the thread pool's own queue; an object per message would be 24 at least.
        published.ShouldBeLessThan(Rounds / 2 * Window * 8L);
        meter.Free.ShouldBeGreaterThan(Rounds * Window / 2);
    }

    private static long Publish(InProcessTransport transport, Envelope envelope, int count)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var number = 0; number < count; number++)
        {
            if (!transport.PublishAsync(Sample.Key, envelope).AsTask().IsCompletedSuccessfully)
                throw new InvalidOperationException("A publish within the process does not wait.");
        }
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>Counts the deliveries between which its thread allocated nothing.</summary>
    private sealed class Meter : IEnvelopeHandler
    {
        private readonly Lock _gate = new();
        private (int Wanted, TaskCompletionSource Done) _wait = (int.MaxValue, new());
        private int _count;
        private int _thread;
        private long _allocated;

        public int Free { get; private set; }

        public void Receive(Envelope envelope)
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            if (_thread == Environment.CurrentManagedThreadId && allocated == _allocated) Free++;
            (_thread, _allocated) = (Environment.CurrentManagedThreadId, allocated);
            lock (_gate)
                if (++_count >= _wait.Wanted) _wait.Done.TrySetResult();
        }

        public void Disrupted(Disruption disruption) => throw new InvalidOperationException("Nothing overflows here.");

        public Task CountAsync(int wanted)
        {
            TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_gate)
            {
                if (_count >= wanted) return Task.CompletedTask;
                _wait = (wanted, done);
            }
            return done.Task.WaitAsync(Recorder.Timeout);
        }
    }
}
