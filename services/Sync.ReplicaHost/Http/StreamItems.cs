using System.Runtime.CompilerServices;
using Sync.Contracts;
using Sync.Hosting;
using Sync.ReplicaHost.Engine;
using Sync.Replication;
using Held = Sync.Replication.CollectionReplica<System.ReadOnlyMemory<byte>>;
using Record = Sync.Replication.CollectionRecord<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Http;

/// <summary>What one stream sends, one item at a time as its client takes them: a snapshot in chunks, <c>ready</c>,
/// then changes; <c>reset</c>, and a snapshot again, when its place in the replica's log of changes is lost or the
/// history was replaced.
/// <para>The cursor is taken before the snapshot is read, so what changes meanwhile follows as a change. A change is
/// sent as the record is held when its turn comes: one that was overtaken is left out, since the newer one
/// follows.</para></summary>
internal sealed class StreamItems(Followed followed, SyncedPattern wanted, StreamCounters counters, TimeProvider time)
{
    private const int ChunkRecords = 200;
    private const int ChunkBytes = 256 << 10;
    private const int NotesAtATime = 64;
    private static readonly TimeSpan LoadPoll = TimeSpan.FromMilliseconds(50);

    private readonly CollectionNote[] _notes = new CollectionNote[NotesAtATime];
    private readonly List<Record> _records = new(ChunkRecords);

    public async IAsyncEnumerable<ServerEvent> RunAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        counters.Open();
        while (true)
        {
            var held = await LoadedAsync(cancellation);
            var cursor = held.ChangesHead;
            foreach (var chunk in Snapshot(held)) yield return chunk;
            yield return StreamEvents.Ready(held);
            for (var count = 0; count >= 0;)
            {
                if (!await held.WhenChangedAsync(cursor, cancellation)) yield break;
                count = held.ReadChanges(ref cursor, _notes);
                for (var index = 0; index < count; index++)
                {
                    if (_notes[index].Kind == CollectionChangeKind.Reset) count = -1;
                    else if (EventOf(held, _notes[index]) is { } change) yield return change;
                }
            }
            counters.Reset();
            yield return StreamEvents.Reset;
        }
    }

    private async Task<Held> LoadedAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (followed.Held is { Status: not CollectionStatus.Loading } held) return held;
            await Task.Delay(LoadPoll, time, cancellation);
        }
    }

    private IEnumerable<ServerEvent> Snapshot(Held held)
    {
        var collections = held.Collections
            .Where(one => wanted.Matches(new SyncedKey(one.Vault, one.Collection, "")))
            .Select(one => (one.Vault, one.Collection)).ToArray();
        Array.Sort(collections, Order);
        foreach (var (vault, collection) in collections)
        {
            string? after = null;
            for (var more = true; more;)
            {
                _records.Clear();
                more = held.List(vault, collection, after, ChunkRecords, _records);
                if (_records.Count == 0) break;
                after = _records[^1].Key.Key;
                // What is left of a replaced history is not shown: its sequences would hide those of the new one.
                _records.RemoveAll(static record => record.IsOld);
                foreach (var chunk in Chunks()) yield return chunk;
            }
        }
    }

    private IEnumerable<ServerEvent> Chunks()
    {
        for (var from = 0; from < _records.Count;)
        {
            var (to, bytes) = (from, 0L);
            while (to < _records.Count && bytes < ChunkBytes) bytes += _records[to++].Value.Length;
            yield return StreamEvents.Snapshot(_records[from..to]);
            from = to;
        }
    }

    private ServerEvent? EventOf(Held held, in CollectionNote note)
    {
        if (!wanted.Matches(note.Key)) return null;
        var isHeld = held.TryGet(note.Key, out var record);
        return note.Kind switch
        {
            CollectionChangeKind.Put when isHeld && record.Sequence == note.Sequence => StreamEvents.Put(record),
            CollectionChangeKind.Removed when !isHeld => StreamEvents.Delete(note),
            _ => null,
        };
    }

    private static int Order((string Vault, string Collection) one, (string Vault, string Collection) other)
    {
        var vaults = Utf8Order.Instance.Compare(one.Vault, other.Vault);
        return vaults != 0 ? vaults : Utf8Order.Instance.Compare(one.Collection, other.Collection);
    }
}
