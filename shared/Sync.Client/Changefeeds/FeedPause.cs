using Sync.Contracts;

namespace Sync.Client.Changefeeds;

/// <summary>How long a reader waits before it connects again: at first somewhere within what the writer asked for, so that many
/// readers of a writer that died do not come to the next one at once; then longer each time. Gives up in the end.</summary>
internal sealed class FeedPause(SyncClientOptions options, TimeProvider time, Func<double> random)
{
    private TimeSpan _first = options.RetryDelayMin;
    private int _failures;
    private long _since = time.GetTimestamp();

    /// <summary>A stream was there.</summary>
    /// <param name="heardAt">When something came last.</param>
    /// <param name="asked">What the writer asked readers to wait; null = nothing.</param>
    public void Heard(long heardAt, TimeSpan? asked)
    {
        _failures = 0;
        _since = heardAt;
        if (asked is { } wait) _first = wait < options.RetryDelayMax ? wait : options.RetryDelayMax;
    }

    /// <exception cref="SyncException">Nothing came for too long.</exception>
    public async ValueTask WaitAsync(SyncException? failure, CancellationToken cancellation)
    {
        if (time.GetElapsedTime(_since) > options.FeedGiveUpAfter)
            throw new SyncException(
                SyncErrorCode.NoAnswer,
                $"nothing came from any writer for {options.FeedGiveUpAfter}: {failure?.Message ?? "streams end at once"}",
                true, failure);
        var longest = options.RetryDelayMin * (1L << Math.Min(_failures, 20));
        if (longest > options.RetryDelayMax) longest = options.RetryDelayMax;
        var wait = _failures++ == 0 ? _first * random() : longest * (0.5 + (random() / 2));
        await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
    }
}
