using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>The most recent changes of one feed, shared by all its readers in this process, and what wakes them. So a
/// commit costs its readers no read of the ledger when the feed is owned here, and one for all of them when it is
/// not.</summary>
/// <remarks>Safe from any thread: one short lock. What is kept is dense from behind <c>_from</c> to <c>_end</c>;
/// whenever that could not be kept up, the tail begins anew, and readers that are behind it read the ledger.</remarks>
internal sealed class FeedTail(
    FeedId feed, HistoryId history, ChangefeedOptions options, PlantedFaults? faults = null)
{
    private const int ChangeOverhead = 512;
    private const int TakenMax = 256;

    private readonly PlantedFaults _faults = faults ?? PlantedFaults.None;
    private readonly Lock _gate = new();
    // The first _gone of the list have left; they are cut off in bulk.
    private readonly List<Envelope?> _kept = [];
    private int _gone;
    private TaskCompletionSource _moved = NewSignal();
    private Position _from;
    private Position _end;
    private Position _hint;
    private long _bytes;
    private int _readers;
    private bool _isBased;
    private bool _isOwned;

    public FeedId Feed => feed;

    /// <summary>The last position that is known here.</summary>
    public Position Known
    {
        get { lock (_gate) return _hint > _end ? _hint : _end; }
    }

    /// <summary>Where the tail ends; the next read for it is behind this.</summary>
    public Position End
    {
        get { lock (_gate) return _end; }
    }

    /// <summary>A reader comes.</summary>
    public void Join()
    {
        lock (_gate)
        {
            // While nobody followed, nobody asked: what others committed since is not known here.
            if (_readers++ == 0 && !_isOwned) Forget();
        }
    }

    public void Leave()
    {
        lock (_gate) _readers--;
    }

    public void Own(Position position)
    {
        lock (_gate)
        {
            _isOwned = true;
            if (position > _hint) _hint = position;
        }
    }

    public void Lose()
    {
        lock (_gate) _isOwned = false;
    }

    /// <summary>Somebody says that the feed is at least so long.</summary>
    /// <returns>True when a read would bring something that readers wait for.</returns>
    public bool Hint(Position position)
    {
        lock (_gate)
        {
            if (position > _hint) _hint = position;
            return NeedsRead(isPollDue: false);
        }
    }

    /// <summary>True when the ledger is to be read behind <see cref="End"/> for the readers.</summary>
    public bool IsReadDue(bool isPollDue)
    {
        lock (_gate) return NeedsRead(isPollDue);
    }

    /// <summary>This process committed these facts.</summary>
    public void Committed(IReadOnlyList<Fact> facts)
    {
        lock (_gate)
        {
            if (!_isBased)
            {
                if (facts[^1].Position > _hint) _hint = facts[^1].Position;
                return;
            }
            if (facts[0].Position > _end.Next && !_faults.TailGapNotNoticed) Begin(new Position(facts[0].Position.Value - 1));
            foreach (var fact in facts)
                if (fact.Position == _end.Next) Keep(fact.ToEnvelope(history));
            Signal();
        }
    }

    /// <summary>A reader saw the feed's head and will wait there, so from there on the tail must be kept.</summary>
    /// <returns>True when a read would bring something that readers wait for.</returns>
    public bool KeepFrom(Position head)
    {
        lock (_gate)
        {
            if (!_isBased) Begin(head);
            if (head > _hint) _hint = head;
            return NeedsRead(isPollDue: false);
        }
    }

    /// <summary>What was read for all readers behind the tail's end.</summary>
    /// <param name="slice">Everything of the feed, not filtered.</param>
    /// <param name="known">What <see cref="Known"/> said before the read.</param>
    /// <returns>True when the tail went on and is not at the head yet.</returns>
    public bool Learn(FeedSlice slice, Position known)
    {
        lock (_gate)
        {
            if (!_isBased || slice.After != _end) return false;
            // Whoever named more than there is was wrong.
            if (_hint == known || slice.Head > _hint) _hint = slice.Head;
            if (slice.Head == _end && slice.Changes.Count == 0) return false;
            // The feed ends before what was kept, or lost what lies between: readers must look for themselves.
            if (slice.Head < _end || slice.Floor > _end.Next) Begin(slice.Head);
            else foreach (var change in slice.Changes) Keep(change);
            Signal();
            return _end < slice.Head;
        }
    }

    /// <summary>The next changes behind a position, if they are kept.</summary>
    public bool TryRead(Position? after, out FeedSlice slice)
    {
        lock (_gate)
        {
            slice = default;
            if (!_isBased) return false;
            var start = after ?? _end;
            if (_faults.TailStartIgnored && start < _from) start = _from;
            if (start < _from || start > _end) return false;
            var count = (int)Math.Min(TakenMax, _end.Value - start.Value);
            var taken = _kept.GetRange(_gone + (int)(start.Value - _from.Value), count);
            var through = new Position(start.Value + count);
            // What is kept is there, whatever the ledger has dropped since.
            slice = new(history, Position.Start, _end, after ?? start, through, taken!);
            return true;
        }
    }

    /// <summary>Completes when the feed may hold more than this. Early is harmless: the reader looks.</summary>
    public Task MovedAsync(Position after)
    {
        lock (_gate) return _isBased && _end > after ? Task.CompletedTask : _moved.Task;
    }

    private bool NeedsRead(bool isPollDue) => _isBased && _readers > 0 && (_hint > _end || (isPollDue && !_isOwned));

    private void Keep(Envelope change)
    {
        _kept.Add(change);
        _bytes += change.Value.Length + ChangeOverhead;
        _end = change.Position;
        while (_kept.Count - _gone > options.TailFactsMax || _bytes > options.TailBytesMax)
        {
            var gone = _kept[_gone]!;
            _kept[_gone++] = null;
            _bytes -= gone.Value.Length + ChangeOverhead;
            _from = gone.Position;
        }
        if (_gone <= options.TailFactsMax) return;
        _kept.RemoveRange(0, _gone);
        _gone = 0;
    }

    private void Begin(Position at)
    {
        Forget();
        (_isBased, _from, _end) = (true, at, at);
    }

    private void Forget()
    {
        _isBased = false;
        (_bytes, _gone) = (0, 0);
        _kept.Clear();
    }

    private void Signal()
    {
        var moved = _moved;
        _moved = NewSignal();
        moved.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
