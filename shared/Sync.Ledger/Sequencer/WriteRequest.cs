using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>One write, or an atomic list of writes, on its way through a sequencer. A shell derives from it to attach
/// who waits. After <see cref="SequencerCore.Submit"/> it belongs to the core until its completion was
/// taken.</summary>
public class WriteRequest
{
    /// <summary>Counted for each queued write beside its value.</summary>
    internal const int OverheadBytes = 512;

    /// <summary>A single write.</summary>
    /// <param name="command">The write; names and sizes are checked already.</param>
    /// <param name="deadline">On the steady clock that <see cref="SequencerCore.Expire"/> gets.</param>
    /// <param name="order">Shared with the other writes of its request; null = it stands alone.</param>
    public WriteRequest(WriteCommand command, TimeSpan deadline, WriteOrder? order = null)
    {
        Order = order;
        Lines = [new WriteLine(command)];
        Deadline = deadline;
        ValueBytes = command.Value.Length;
    }

    /// <summary>An atomic list: all or nothing.</summary>
    /// <param name="commands">The writes, in order.</param>
    /// <param name="deadline">On the steady clock that <see cref="SequencerCore.Expire"/> gets.</param>
    public WriteRequest(IReadOnlyList<WriteCommand> commands, TimeSpan deadline)
    {
        Lines = new WriteLine[commands.Count];
        for (var index = 0; index < Lines.Length; index++)
        {
            Lines[index] = new WriteLine(commands[index]);
            ValueBytes += commands[index].Value.Length;
        }
        Deadline = deadline;
        IsAtomic = true;
    }

    /// <summary>True for a list, also of one.</summary>
    public bool IsAtomic { get; }

    /// <summary>When it is answered in any case.</summary>
    public TimeSpan Deadline { get; }

    /// <summary>The write at an index.</summary>
    public WriteCommand Command(int index) => Lines[index].Command;

    /// <summary>Number of writes.</summary>
    public int Count => Lines.Length;

    internal WriteLine[] Lines { get; }

    internal WriteOrder? Order { get; }

    /// <summary>An earlier write of its key in the same request failed.</summary>
    internal bool IsOvertaking => Order is { } order && order.IsBroken(Lines[0].Command.Key);

    internal long ValueBytes { get; }

    internal long QueuedBytes => ValueBytes + (long)OverheadBytes * Lines.Length;

    /// <summary>Next in the core's queue.</summary>
    internal WriteRequest? Next { get; set; }

    /// <summary>Its completion was made (a deadline passed while the group was in flight).</summary>
    internal bool IsAnswered { get; set; }
}

/// <summary>One write of a request, with what the core knows about it.</summary>
internal sealed class WriteLine(WriteCommand command)
{
    public WriteCommand Command => command;

    // Hashed here, on the submitter's thread: the loop that orders writes is the scarce one.
    public Hash256 ValueHash { get; } = Hash256.Of(command.Value.Span);

    public HeadEntry Head { get; set; } = null!;
    public CollectionEntry Collection { get; set; } = null!;
    public IdempotencyEntry? Idempotency { get; set; }

    /// <summary>An append that leaves its key to the writer.</summary>
    public bool IsKeyless => command.Key.Key.Length == 0;

    /// <summary>The first receipt, when the idempotency key has committed before.</summary>
    public Receipt? Replay { get; set; }

    // What acceptance into a group changed; undone when the group is not committed.
    public FactId FactId { get; set; }
    public HeadState Before { get; set; }
    public Position CollectionBefore { get; set; }
    public CollectionShape ShapeBefore { get; set; }
    public (long Head, long Collection, long Idempotency) TakenBefore { get; set; }
    public Fact? Fact { get; set; }

    /// <summary>The key that the fact gets. The cached name, so that a million facts of a key share one text; of an event
    /// without a key the text of its id, so that a receipt alone says that the writer gave it.</summary>
    public SyncedKey FactKey => IsKeyless ? command.Key with { Key = FactId.ToString() } : Head.Key;

    /// <summary>True when a receipt is of the key that the line asks for.</summary>
    public bool IsOf(Receipt receipt) =>
        receipt.Key == command.Key || (IsKeyless && receipt.Key == command.Key with { Key = receipt.FactId.ToString() });
}

/// <summary>A finished request.</summary>
/// <param name="Request">The request.</param>
/// <param name="Result">For a single write; else null.</param>
/// <param name="Atomic">For an atomic list; else null.</param>
public readonly record struct WriteCompletion(WriteRequest Request, WriteResult? Result, AtomicResult? Atomic);

/// <summary>A load to carry out; hand it back with the answer.</summary>
public sealed class LoadTicket
{
    internal LoadTicket(
        int generation, HeadEntry[] heads, CollectionEntry[] collections, IdempotencyEntry[] idempotency)
    {
        Generation = generation;
        Heads = heads;
        Collections = collections;
        Idempotency = idempotency;
        Request = new LoadRequest(
            Array.ConvertAll(heads, entry => entry.Key),
            Array.ConvertAll(collections, entry => entry.Key),
            Array.ConvertAll(idempotency, entry => entry.Key));
    }

    /// <summary>What to ask the store.</summary>
    public LoadRequest Request { get; }

    internal int Generation { get; }
    internal HeadEntry[] Heads { get; }
    internal CollectionEntry[] Collections { get; }
    internal IdempotencyEntry[] Idempotency { get; }
}
