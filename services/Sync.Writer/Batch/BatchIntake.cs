namespace Sync.Writer.Batch;

/// <summary>Shares what all batches of a process may hold: requests at a time and value bytes in flight. Counters are
/// interlocked; a batch that finds the bytes used up waits for the next that leave, and looks again, so one oversized
/// line at a time always gets through. Full-policy: a further request is refused (503), a further line
/// waits.</summary>
internal sealed class BatchIntake(WriterOptions options)
{
    private int _batches;
    private long _bytes;
    private TaskCompletionSource _room = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TimeSpan IdleTimeout => options.BatchIdleTimeout;

    /// <summary>Lines in flight of a batch that begins now: the more batches run, the fewer each.</summary>
    public int LinesMax => Math.Clamp(8 * options.BatchLinesInFlightMax / Math.Max(1, Volatile.Read(ref _batches)), 1,
        options.BatchLinesInFlightMax);

    public bool IsOverBudget => Volatile.Read(ref _bytes) > options.BatchBytesInFlightMax;

    public bool TryBegin()
    {
        if (Interlocked.Increment(ref _batches) <= options.BatchesMax) return true;
        End();
        return false;
    }

    public void End() => Interlocked.Decrement(ref _batches);

    public void Enter(int bytes) => Interlocked.Add(ref _bytes, bytes);

    public void Leave(int bytes)
    {
        var left = Interlocked.Add(ref _bytes, -bytes);
        if (bytes > 0 && left <= options.BatchBytesInFlightMax && left + bytes > options.BatchBytesInFlightMax)
            Interlocked.Exchange(ref _room, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public async ValueTask WaitForRoomAsync(CancellationToken cancellation)
    {
        while (true)
        {
            // Taken before looking: whoever makes room after the look completes this one.
            var room = Volatile.Read(ref _room);
            if (!IsOverBudget) return;
            await room.Task.WaitAsync(cancellation);
        }
    }
}
