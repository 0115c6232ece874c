using System.Diagnostics;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>A held record as it lies in memory.</summary>
internal struct RecordEntry<T>
{
    public string? Key;     // null = a free slot
    public T Value;
    public long Sequence;
    public long Position;   // negative = of an old history
    public Hash256 Hash;
    public Guid Id;
    public long Time;
    public int Next;        // the next slot of the same bucket, or the next free one; -1 = none
    public int Code;
    public int Round;       // the load that saw it last
    public ushort Version;  // numbers of a TextTable
    public ushort Producer;
}

/// <summary>Key to record, in slots of fixed chunks: growing copies nothing but the small table of buckets, and no
/// record is an object of its own. Slots of removed records are used again.</summary>
internal sealed class RecordTable<T>
{
    private const int ChunkBits = 9;
    private const int ChunkSize = 1 << ChunkBits;

    // Groups have many small collections: what is not needed is not made.
    private RecordOrder<T>? _order;
    private RecordEntry<T>[][] _chunks = [];
    private int[] _buckets = [0]; // slot + 1; 0 = none
    private int _used;
    private int _capacity;
    private int _free = -1;

    /// <summary>Records held.</summary>
    public int Count { get; private set; }

    /// <summary>Slots that were ever used: what a walk over all must look at.</summary>
    public int Slots => _used;

    public ref RecordEntry<T> this[int slot] => ref _chunks[slot >> ChunkBits][slot & (ChunkSize - 1)];

    /// <summary>The slot of a key, or -1.</summary>
    public int Find(string key)
    {
        var code = StringComparer.Ordinal.GetHashCode(key);
        for (var slot = _buckets[code & (_buckets.Length - 1)] - 1; slot >= 0;)
        {
            ref var entry = ref this[slot];
            if (entry.Code == code && entry.Key == key) return slot;
            slot = entry.Next;
        }
        return -1;
    }

    /// <summary>A slot for a key that has none; only its key is set.</summary>
    public int Add(string key)
    {
        Debug.Assert(Find(key) < 0, "the key has a slot");
        if (Count == _buckets.Length) GrowBuckets();
        var slot = _free;
        if (slot >= 0) _free = this[slot].Next;
        else
        {
            slot = _used;
            if (slot == _capacity) GrowChunks();
            _used++;
        }
        ref var entry = ref this[slot];
        (entry.Key, entry.Code) = (key, StringComparer.Ordinal.GetHashCode(key));
        ref var bucket = ref _buckets[entry.Code & (_buckets.Length - 1)];
        entry.Next = bucket - 1;
        bucket = slot + 1;
        Count++;
        _order?.Added(slot);
        return slot;
    }

    /// <summary>Removes the record of a slot.</summary>
    public void Remove(int slot)
    {
        ref var entry = ref this[slot];
        ref var link = ref _buckets[entry.Code & (_buckets.Length - 1)];
        if (link - 1 == slot) link = entry.Next + 1;
        else
        {
            var before = link - 1;
            while (this[before].Next != slot) before = this[before].Next;
            this[before].Next = entry.Next;
        }
        entry = default;
        Count--;
        if (_order?.Holds(slot) != true) Release(slot);
    }

    /// <summary>The slot may be used again.</summary>
    public void Release(int slot)
    {
        this[slot].Next = _free;
        _free = slot;
    }

    /// <summary>The slots in the order of their keys' UTF-8 bytes; valid until the next change.</summary>
    public ReadOnlySpan<int> Ordered() => (_order ??= new RecordOrder<T>(this)).Read();

    private void GrowBuckets()
    {
        _buckets = new int[_buckets.Length * 2];
        for (var slot = 0; slot < _used; slot++)
        {
            ref var entry = ref this[slot];
            if (entry.Key is null) continue;
            ref var bucket = ref _buckets[entry.Code & (_buckets.Length - 1)];
            entry.Next = bucket - 1;
            bucket = slot + 1;
        }
    }

    private void GrowChunks()
    {
        if (_capacity >= ChunkSize)
        {
            var next = _capacity >> ChunkBits;
            if (next == _chunks.Length) Array.Resize(ref _chunks, next * 2);
            _chunks[next] = new RecordEntry<T>[ChunkSize];
            _capacity += ChunkSize;
            return;
        }
        var grown = new RecordEntry<T>[_capacity == 0 ? 1 : _capacity * 2];
        if (_capacity > 0) _chunks[0].CopyTo(grown, 0);
        _chunks = [grown];
        _capacity = grown.Length;
    }
}
