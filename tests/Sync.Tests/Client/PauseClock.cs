using System.Threading.Channels;
using Sync.Testing;

namespace Sync.Tests.Client;

/// <summary>A clock that the test moves, and that tells of every pause before a retry: timers of at most 2 s. Longer ones are
/// time-outs of requests.</summary>
internal sealed class PauseClock : TimeProvider
{
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(2);
    private readonly ManualTimeProvider _clock = new();
    private readonly Channel<TimeSpan> _pauses = Channel.CreateBounded<TimeSpan>(1000);

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    public override long GetTimestamp() => _clock.GetTimestamp();

    public void Advance(TimeSpan by) => _clock.Advance(by);

    /// <summary>The next pause; the clock still stands before it.</summary>
    public async Task<TimeSpan> NextPauseAsync() => await _pauses.Reader.ReadAsync().AsTask().WaitAsync(ScriptedWriter.WaitMax);

    /// <summary>Lets the next pause pass.</summary>
    public async Task<TimeSpan> PassPauseAsync()
    {
        var pause = await NextPauseAsync();
        Advance(pause);
        return pause;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = _clock.CreateTimer(callback, state, dueTime, period);
        if (dueTime > TimeSpan.Zero && dueTime <= PauseMax + TimeSpan.FromMilliseconds(1)) _pauses.Writer.TryWrite(dueTime);
        return timer;
    }
}
