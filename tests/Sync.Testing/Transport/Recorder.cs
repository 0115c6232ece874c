using Sync.Contracts;

namespace Sync.Testing.Transport;

/// <summary>A handler that keeps what it gets, in order, and lets a test wait for it. The hook runs inside the call.</summary>
public sealed class Recorder(Action<Recorder, Envelope>? hook = null) : IEnvelopeHandler, IBeatHandler
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<object> _events = [];
    private readonly List<(Func<IReadOnlyList<object>, bool> Until, TaskCompletionSource Done)> _waits = [];
    private int _inside;

    /// <summary>True when two calls were ever inside at once.</summary>
    public bool Overlapped { get; private set; }

    /// <summary>Envelopes, beats and disruptions.</summary>
    public IReadOnlyList<object> Events
    {
        get { lock (_gate) return [.. _events]; }
    }

    public IReadOnlyList<Envelope> Envelopes => [.. Events.OfType<Envelope>()];

    public IReadOnlyList<long> Sequences => [.. Envelopes.Select(envelope => envelope.Sequence.Value)];

    public void Receive(Envelope envelope) => Inside(() =>
    {
        Add(envelope);
        hook?.Invoke(this, envelope);
    });

    public void Receive(Beat beat) => Inside(() => Add(beat));

    public void Disrupted(Disruption disruption) => Inside(() => Add(disruption));

    /// <summary>Completes when the events are as wanted; fails after 30 s with what is there.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<object>, bool> until)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (until(_events)) return;
            _waits.Add((until, done));
        }
        try
        {
            await done.Task.WaitAsync(Timeout);
        }
        catch (TimeoutException exception)
        {
            var last = string.Join(", ", Events.TakeLast(20).Select(Show));
            throw new TimeoutException($"Not as wanted after {Timeout}: {last}", exception);
        }
    }

    public Task CountAsync(int count) => UntilAsync(events => events.Count >= count);

    public Task SequenceAsync(long sequence) =>
        UntilAsync(events => events.Count > 0 && events[^1] is Envelope last && last.Sequence.Value >= sequence);

    private static string Show(object happened) =>
        happened is Envelope envelope ? $"{envelope.Key}#{envelope.Sequence}" : happened.ToString()!;

    private void Inside(Action act)
    {
        if (Interlocked.Increment(ref _inside) != 1) Overlapped = true;
        try { act(); }
        finally { Interlocked.Decrement(ref _inside); }
    }

    private void Add(object happened)
    {
        lock (_gate)
        {
            _events.Add(happened);
            for (var at = _waits.Count - 1; at >= 0; at--)
            {
                if (!_waits[at].Until(_events)) continue;
                _waits[at].Done.TrySetResult();
                _waits.RemoveAt(at);
            }
        }
    }
}

/// <summary>Holds a handler until the test lets it go on.</summary>
public sealed class Gate
{
    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _open = new();

    public Task Entered => _entered.Task.WaitAsync(Recorder.Timeout);

    public void Hold()
    {
        _entered.TrySetResult();
        if (!_open.Wait(Recorder.Timeout)) throw new TimeoutException("The test did not open the gate.");
    }

    public void Open() => _open.Set();
}

/// <summary>Handlers are synchronous, so a hook that calls the transport has to wait for it.</summary>
public static class Blocking
{
    public static void Wait(ValueTask task)
    {
#pragma warning disable VSTHRD002 // The point of these tests: a handler that waits must not deadlock.
        if (!task.AsTask().Wait(Recorder.Timeout)) throw new TimeoutException("The call did not complete.");
#pragma warning restore VSTHRD002
    }
}
