using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class EnvelopeVectorTests
{
    [Fact]
    public void Every_envelope_of_the_vectors_is_decoded_or_refused_as_they_say()
    {
        foreach (var vector in VectorFile.Vectors("envelopes.json"))
        {
            var decoded = EnvelopeCodec.Default.Decode(vector.Bytes(), Samples.Key);
            if (vector.Text("error") is { } error)
            {
                decoded.Error.ShouldNotBeNull(vector.Name()).ShouldContain(error, Case.Insensitive, vector.Name());
                continue;
            }
            decoded.Error.ShouldBeNull(vector.Name());
            decoded.Value.ShouldBeSameAs(Decoded.Envelope(vector.GetProperty("decoded")));
            EnvelopePeek.TryRead(vector.Bytes(), out var peek).ShouldBeTrue(vector.Name());
            (peek.Sequence, peek.Position, peek.History, peek.Feed).ShouldBe(
                (decoded.Value.Sequence, decoded.Value.Position, decoded.Value.History, decoded.Value.Feed), vector.Name());
            peek.Names(Samples.Key).ShouldBe(decoded.Value.Key == Samples.Key, vector.Name());
        }
    }

    [Fact]
    public void Every_envelope_is_written_to_the_same_bytes()
    {
        var count = 0;
        foreach (var vector in VectorFile.Vectors("envelopes.json").Where(vector => vector.Has("decoded")))
        {
            var envelope = Decoded.Envelope(vector.GetProperty("decoded"));
            var bytes = Samples.Bytes(to => EnvelopeCodec.Default.Encode(envelope, to));
            bytes.Length.ShouldBe(EnvelopeCodec.EncodedSize(envelope), vector.Name());
            if (vector.GetProperty("canonical").GetBoolean()) bytes.ShouldBe(vector.Bytes(), vector.Name());
            else EnvelopeCodec.Default.Decode(bytes).Value.ShouldBeSameAs(envelope);
            JsonEnvelopeCodec.Default.Decode(Samples.Bytes(to => JsonEnvelopeCodec.Default.Encode(envelope, to)))
                .Value.ShouldBeSameAs(envelope);
            count++;
        }
        count.ShouldBeGreaterThan(25);
    }

    [Fact]
    public void The_gates_of_a_replica_make_of_every_envelope_what_the_vectors_say()
    {
        var state = VectorFile.Load("envelopes.json").GetProperty("replica");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var vector in VectorFile.Vectors("envelopes.json"))
        {
            var replica = Replica(state);
            var decoded = EnvelopeCodec.Default.Decode(vector.Bytes(), replica.Key);
            var outcome = decoded.IsOk ? Outcome(replica, decoded.Value) : "undecodable";
            outcome.ShouldBe(vector.Text("gate"), vector.Name());
            seen.Add(outcome);
        }
        seen.ShouldBe(state.GetProperty("outcomes").EnumerateObject().Select(item => item.Name), ignoreOrder: true);
    }

    private static ReplicaCore<ReadOnlyMemory<byte>> Replica(JsonElement state)
    {
        var key = new SyncedKey(state.Text("vault")!, state.Text("collection")!, state.Text("key")!);
        var seed = state.GetProperty("seed");
        var core = new ReplicaCore<ReadOnlyMemory<byte>>(
            key, SyncSchema.Document, new ReplicaRules { Expected = new(state.Text("expected_version")) });
        core.Receive(new Envelope
        {
            Key = key,
            Value = new byte[] { 0x80 },
            Sequence = new(seed.Number("sequence")!.Value),
            SchemaVersion = new(seed.Text("schema_version")),
            Feed = new((int)seed.Number("feed")!),
            History = new(seed.Number("history")!.Value),
            Position = new(seed.Number("position")!.Value),
        }, EnvelopeOrigin.Seed).HasFlag(ReplicaEffects.Applied).ShouldBeTrue();
        return core;
    }

    private static string Outcome(ReplicaCore<ReadOnlyMemory<byte>> replica, Envelope envelope)
    {
        var effects = replica.Receive(envelope, EnvelopeOrigin.Live);
        var counters = replica.Counters;
        if (effects.HasFlag(ReplicaEffects.Reset)) return "reset";
        if (counters.WrongKey > 0) return "wrong-key";
        if (counters.IgnoredStale > 0) return "ignored-stale";
        if (counters.SchemaSkews > 0) return "skew";
        if (counters.ParseErrors > 0) return "parse-error";
        if (counters.Gaps > 0) return "gap";
        return effects.HasFlag(ReplicaEffects.Cleared) ? "cleared" : effects.HasFlag(ReplicaEffects.Applied) ? "applied" : "nothing";
    }

    [Fact]
    public void Every_beat_of_the_vectors_is_read_and_written_or_refused_as_they_say()
    {
        foreach (var vector in VectorFile.Vectors("beats.json"))
        {
            var read = BeatCodec.Decode(vector.Bytes());
            if (vector.Text("error") is { } error)
            {
                read.Error.ShouldNotBeNull(vector.Name()).ShouldContain(error, Case.Insensitive, vector.Name());
                continue;
            }
            read.Error.ShouldBeNull(vector.Name());
            var beat = Decoded.Beat(vector.GetProperty("decoded"));
            read.Value.ShouldBeSameAs(beat);
            if (vector.GetProperty("canonical").GetBoolean())
                Samples.Bytes(to => BeatCodec.Encode(beat, to)).ShouldBe(vector.Bytes(), vector.Name());
            JsonEnvelopeCodec.Default.DecodeBeat(Samples.Bytes(to => JsonEnvelopeCodec.Default.Encode(beat, to)))
                .Value.ShouldBeSameAs(beat);
        }
    }
}
