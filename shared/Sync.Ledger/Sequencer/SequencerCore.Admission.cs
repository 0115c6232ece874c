using Sync.Contracts;

namespace Sync.Ledger;

// Taking in: the door's limits, and binding a request to what is known of its names.
public sealed partial class SequencerCore
{
    private bool _stopping;

    private Refusal? CheckAdmission(WriteRequest request)
    {
        if (Phase == SequencerPhase.Lost)
            return new(RefusalCode.NoOwner, "This process does not own the feed. Try again.");
        if (IsOvertaking(request)) return WriteOrder.Refusal;
        if (_stopping) return new(RefusalCode.ShuttingDown, "The writer is stopping. Try again.");
        foreach (var line in request.Lines)
            if (line.IsKeyless && line.Command.Op != ChangeOp.Append)
                return new(RefusalCode.InvalidName, "The key is empty; only an append may leave it to the writer.");
        if (request.IsAtomic && CheckBatch(request) is { } refusal) return refusal;
        if (request.ValueBytes > _options.GroupBytesMax)
            return new(RefusalCode.TooLarge,
                $"The value has {request.ValueBytes} bytes; at most {_options.GroupBytesMax} fit a commit.");
        return Queued + request.Count > _options.QueuedWritesMax
            || QueuedBytes + request.QueuedBytes > _options.QueuedBytesMax
            ? new(RefusalCode.Overloaded,
                $"The feed's queue is full ({Queued} writes, {QueuedBytes} bytes). Try again later.")
            : null;
    }

    private bool IsOvertaking(WriteRequest request) => request.IsOvertaking && !_faults.OvertakingAllowed;

    private Refusal? CheckBatch(WriteRequest request)
    {
        if (request.Count == 0) return new(RefusalCode.InvalidBatch, "The batch is empty.");
        if (request.Count > _options.GroupFactsMax || request.ValueBytes > _options.GroupBytesMax)
        {
            return new(RefusalCode.InvalidBatch,
                $"The batch has {request.Count} lines and {request.ValueBytes} bytes; at most "
                + $"{_options.GroupFactsMax} lines and {_options.GroupBytesMax} bytes can be atomic.");
        }
        HashSet<IdempotencyName>? seen = null;
        foreach (var line in request.Lines)
        {
            if (line.Command.IdempotencyKey is not { } key) continue;
            seen ??= [];
            if (!seen.Add(new(line.Command.Key.Vault, key)))
                return new(RefusalCode.InvalidBatch, $"Two lines of the batch have the idempotency key '{key}'.");
        }
        return null;
    }

    private void Bind(WriteRequest request)
    {
        foreach (var line in request.Lines)
        {
            var key = line.Command.Key;
            line.Head = _heads.Pin(key);
            // Events without a key share a name that holds nothing, for their order only.
            if (line.IsKeyless) line.Head.Knowledge = Knowledge.Ready;
            line.Collection = _collections.Pin(new(key.Vault, key.Collection));
            // Of a collection that is known whole, a key that is not known was never written.
            if (line.Head.Knowledge == Knowledge.Missing && line.Collection.HasAllHeads)
                (line.Head.Head, line.Head.Knowledge) = (HeadState.None, Knowledge.Ready);
            line.Idempotency = line.Command.IdempotencyKey is { } name ? _idempotency.Pin(new(key.Vault, name)) : null;
            // When the store is asked for the head anyway, the idempotency key costs nothing more.
            if (line.Head.Knowledge is Knowledge.Missing or Knowledge.Wanted
                && line.Idempotency?.Knowledge == Knowledge.Missing)
                Want(line.Idempotency);
            if (line.Head.Knowledge == Knowledge.Missing) Want(line.Head);
            else if (_faults.SequenceFromStaleLoad && line.Head.Knowledge == Knowledge.Ready)
                _wantedHeads.Enqueue(line.Head);
            if (line.Collection.Knowledge == Knowledge.Missing) Want(line.Collection);
        }
    }

    private void HeadLeft(HeadEntry entry)
    {
        if (entry.Head.Sequence != Sequence.None
            && _collections.Find(new(entry.Key.Vault, entry.Key.Collection)) is { } collection)
            collection.HasAllHeads = false;
    }

    private void Release(WriteRequest request)
    {
        foreach (var line in request.Lines)
        {
            _heads.Release(line.Head);
            _collections.Release(line.Collection);
            if (line.Idempotency is not { } key) continue;
            if (key.Pins == 1) key.Refused = null;
            _idempotency.Release(key);
        }
    }

    private void Want(HeadEntry entry)
    {
        entry.Knowledge = Knowledge.Wanted;
        _wantedHeads.Enqueue(entry);
    }

    private void Want(CollectionEntry entry)
    {
        entry.Knowledge = Knowledge.Wanted;
        _wantedCollections.Enqueue(entry);
    }

    private void Want(IdempotencyEntry entry)
    {
        entry.Knowledge = Knowledge.Wanted;
        _wantedIdempotency.Enqueue(entry);
    }

    // What nobody waits for any more is not asked for: while the store is away every expired write would leave its
    // names here, without a bound, and all of them would be loaded before the first write that still waits.
    private void ForgetUnneeded()
    {
        ForgetUnneeded<SyncedKey, HeadEntry>(_wantedHeads);
        ForgetUnneeded<CollectionName, CollectionEntry>(_wantedCollections);
        ForgetUnneeded<IdempotencyName, IdempotencyEntry>(_wantedIdempotency);
    }

    private static void ForgetUnneeded<TKey, TEntry>(Queue<TEntry> wanted)
        where TEntry : CacheEntry<TKey, TEntry>
    {
        for (var left = wanted.Count; left > 0; left--)
        {
            var entry = wanted.Dequeue();
            if (entry.Pins > 0) wanted.Enqueue(entry);
            else if (entry.Knowledge == Knowledge.Wanted) entry.Knowledge = Knowledge.Missing;
        }
    }

    private HeadEntry[] TakeWanted(Queue<HeadEntry> wanted)
    {
        var taken = new HeadEntry[Math.Min(wanted.Count, _options.LoadItemsMax)];
        for (var index = 0; index < taken.Length; index++)
        {
            taken[index] = wanted.Dequeue();
            if (taken[index].Knowledge == Knowledge.Wanted) taken[index].Knowledge = Knowledge.Loading;
        }
        return taken;
    }

    private CollectionEntry[] TakeWanted(Queue<CollectionEntry> wanted)
    {
        var taken = new CollectionEntry[Math.Min(wanted.Count, _options.LoadItemsMax)];
        for (var index = 0; index < taken.Length; index++)
        {
            taken[index] = wanted.Dequeue();
            taken[index].Knowledge = Knowledge.Loading;
        }
        return taken;
    }

    private IdempotencyEntry[] TakeWanted(Queue<IdempotencyEntry> wanted)
    {
        var taken = new IdempotencyEntry[Math.Min(wanted.Count, _options.LoadItemsMax)];
        for (var index = 0; index < taken.Length; index++)
        {
            taken[index] = wanted.Dequeue();
            taken[index].Knowledge = Knowledge.Loading;
        }
        return taken;
    }
}
