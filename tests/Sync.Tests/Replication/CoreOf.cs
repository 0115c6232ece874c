using System.Text;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing.Replication;

namespace Sync.Tests.Replication;

/// <summary>Short words for tests of the gate: a core of one key, and envelopes for it.</summary>
internal static class CoreOf
{
    public static readonly SyncedKey Key = new("acme", "user", "123");
    public static readonly HistoryId History = new(77);

    public static ReplicaCore<string> Text(ReplicaRules? rules = null, TextSchema? schema = null) =>
        new(Key, schema ?? new TextSchema(), rules ?? new ReplicaRules { Expected = new("1.0") });

    public static ReplicaCore<string> At(long sequence, ReplicaRules? rules = null)
    {
        var core = Text(rules);
        core.Receive(Put(sequence), EnvelopeOrigin.Seed);
        return core;
    }

    public static Envelope Put(long sequence, string? value = null, string? version = "1.0", long history = 77, SyncedKey? key = null,
        ChangeOp op = ChangeOp.Put) => new()
        {
            Key = key ?? Key,
            Value = Encoding.UTF8.GetBytes(value ?? $"v{sequence}"),
            SchemaVersion = new(version),
            Sequence = new(sequence),
            Op = op,
            Feed = new(3),
            Position = new(sequence * 10),
            History = new(history),
        };

    public static Envelope Tombstone(long sequence) => Put(sequence, "", null, op: ChangeOp.Delete);

    public static Envelope Absent() => new() { Key = Key, Value = default, Sequence = Sequence.None, History = History };

    public static ReplicaEffects Live(this ReplicaCore<string> core, Envelope envelope) => core.Receive(envelope, EnvelopeOrigin.Live);

    public static ReplicaEffects Answer(this ReplicaCore<string> core, Envelope? envelope, bool again = false, long history = 77) =>
        core.Answered(envelope, core.Have, new(history), again) & ~ReplicaEffects.Settled;
}
