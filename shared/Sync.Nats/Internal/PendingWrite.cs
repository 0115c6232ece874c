namespace Sync.Nats.Internal;

/// <summary>A call that waits for room in the send buffer, with its frame already made, so that the order of calls is
/// the order on the wire whoever wakes up first. All fields but the task belong to the send buffer's lock.</summary>
internal sealed class PendingWrite(byte[] frame, int length, long epoch, Fence? fence)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ReadOnlySpan<byte> Frame => frame.AsSpan(0, length);

    public int Length => length;

    /// <summary>0 = any connection.</summary>
    public long Epoch => epoch;

    /// <summary>Set for a flush that has to stay behind waiting publishes.</summary>
    public Fence? Fence => fence;

    /// <summary>Written into the buffer, failed, or given up by its caller.</summary>
    public bool IsSettled { get; private set; }

    public Task Task => _done.Task;

    public void Succeed()
    {
        IsSettled = true;
        _done.TrySetResult();
    }

    public void Fail(NatsException error)
    {
        IsSettled = true;
        if (_done.TrySetException(error))
            _ = _done.Task.Exception;
    }

    public void Abandon() => IsSettled = true;
}

/// <summary>Completes when the server has answered the PING that stands behind everything sent before;
/// fails when that connection ends first.</summary>
internal sealed class Fence
{
    private readonly TaskCompletionSource<long> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The epoch that was confirmed.</summary>
    public Task<long> Task => _done.Task;

    public void Confirm(long epoch) => _done.TrySetResult(epoch);

    public void Fail(NatsException error)
    {
        if (_done.TrySetException(error))
            _ = _done.Task.Exception;
    }
}
