namespace Sync.Ledger;

/// <summary>What waits for a feed's loop: writes of any thread, and answers of the loop's own calls.</summary>
/// <remarks>Safe from any thread: one short lock. Bounded: writes by a count (full → refused by the caller), answers
/// by the few calls that the loop has under way. After <see cref="Close"/> no write is taken, so none can be
/// forgotten.</remarks>
internal sealed class FeedInbox(int writesMax, LoopSignal signal)
{
    private readonly Lock _gate = new();
    private List<WriteRequest> _writes = [];
    private List<WriteRequest> _spareWrites = [];
    private List<Action> _answers = [];
    private List<Action> _spareAnswers = [];
    private bool _isClosed;

    public enum Admission
    {
        Taken,
        Full,
        Closed,
    }

    public Admission Post(WriteRequest request)
    {
        lock (_gate)
        {
            if (_isClosed) return Admission.Closed;
            if (_writes.Count >= writesMax) return Admission.Full;
            _writes.Add(request);
        }
        signal.Set();
        return Admission.Taken;
    }

    /// <summary>Takes the writes of one request together: the loop sees all of them, or those that there is room
    /// for.</summary>
    /// <param name="requests">In order.</param>
    /// <param name="taken">How many of the first were taken.</param>
    public Admission Post(ReadOnlySpan<WriteRequest> requests, out int taken)
    {
        lock (_gate)
        {
            taken = _isClosed ? 0 : Math.Min(requests.Length, writesMax - _writes.Count);
            _writes.AddRange(requests[..taken]);
            if (_isClosed) return Admission.Closed;
        }
        if (taken > 0) signal.Set();
        return taken == requests.Length ? Admission.Taken : Admission.Full;
    }

    public void Post(Action answer)
    {
        lock (_gate) _answers.Add(answer);
        signal.Set();
    }

    /// <summary>Carries out the answers, then hands over the writes. Only for the loop.</summary>
    public void Drain(Action<WriteRequest> take)
    {
        List<WriteRequest> writes;
        List<Action> answers;
        lock (_gate)
        {
            (writes, _writes, _spareWrites) = (_writes, _spareWrites, _writes);
            (answers, _answers, _spareAnswers) = (_answers, _spareAnswers, _answers);
        }
        try
        {
            foreach (var answer in answers) answer();
        }
        finally
        {
            // Also after a failure every write is handed over: nobody else would answer it.
            answers.Clear();
            foreach (var write in writes) take(write);
            writes.Clear();
        }
    }

    public void Close()
    {
        lock (_gate) _isClosed = true;
    }
}
