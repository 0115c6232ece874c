using System.Buffers;
using System.Globalization;
using System.Text;
using Sync.Client.Internal;
using Sync.Client.Writes;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.MessagePack;
using Sync.Tests.MessagePack;

namespace Sync.HostileTests.Targets;

/// <summary>Lines that answer a batch: a receipt is taken only when it is whole, about the very write, and within the ranges.</summary>
internal sealed class BatchAnswerTarget : Target
{
    private PendingWrite? _write;

    public override string Name => "batch-answer";

    public override int Weight => 4;

    public override long AllocatedBase => 96 << 10;

    public override byte[][] Words { get; } =
    [
        .. new[]
        {
            "\"sequence\":", "\"feed\":4294967296,", "\"feed\":-1,", "\"history\":-1,", "\"position\":0,", "\"replayed\":true,", "\"type\":\"urn:sync:problem:no-owner\",",
            "\"status\":503,", "\"valueHash\":\"00\",", "\"factId\":null,", "\"key\":\"124\",",
        }.Select(TextOf.Of),
    ];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        """{"factId":"0193a1b2-c3d4-7e5f-8a9b-000000000001","vault":"acme","collection":"user","key":"123","sequence":7,"feed":3,"history":8007199254740991,"position":1234567,"transactionTime":"2026-01-31T12:00:00.123456Z","valueHash":"955afa2ed22063421ec484c2eb77435d22e44709370458a0db4e38c0029eee7d","causation":null,"replayed":false}""",
        """{"type":"urn:sync:problem:expected-sequence-differs","title":"x","status":412,"detail":"y","current":{"value":1}}""",
        """{"type":"urn:sync:problem:unknown-outcome","status":503,"detail":"z"}""", """{"type":"urn:sync:problem:new-one","status":499,"detail":"z"}""",
        """{"type":"urn:sync:problem:no-owner","status":503,"detail":null,"retry_after":1}""", "{}",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        _write = new PendingWrite(Samples.Command(), 0, _ => { }) { IsToldByLane = true };
        BatchAnswer.ReadProblem(input);
        BatchAnswer.ReadProblemDetail(input);
        try
        {
            BatchAnswer.Apply(new ReadOnlySequence<byte>(input.ToArray()), _write);
            return null;
        }
        catch (IOException refused)
        {
            return refused.Message;
        }
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) Hold(!_write!.IsDone, "it ended a write on an answer that it refused");
        if (error is not null || !_write!.IsDone) return;
        _write.Tell();
        if (_write.Result.GetAwaiter().GetResult() is not WriteResult.Committed { Receipt: var receipt }) return;
        Hold(receipt.Key == Samples.Key, "a receipt of another key");
        Hold(receipt.Sequence.Value > 0 && receipt.Position.Value > 0, "a receipt without a place");
        Hold(receipt.Feed.Value is >= 0 and < Feeds.CountMax, "a receipt of no feed");
        Hold(receipt.History.Value >= 0, "a receipt of no history");
        var line = NaiveJson.ReadLoosely(input, NaiveJson.DepthMax);
        Hold(line is { Kind: Kind.Map }, "it took what is no object");
    }
}

/// <summary>Pages of facts as the client reads them.</summary>
internal sealed class FactPageTarget : Target
{
    public override string Name => "fact-page";

    public override Flavor Flavor => Flavor.Packed;

    public override int Weight => 6;

    public override long AllocatedBase => 64 << 10;

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (var facts in new Fact[][] { [], [Samples.Fact()], [Samples.SmallestFact(), Samples.Fact()] })
            yield return Samples.Bytes(to =>
            {
                var writer = new MsgPackWriter(to);
                writer.WriteMapHeader(3);
                writer.WriteString("feed");
                writer.WriteInteger(3);
                writer.WriteString("next");
                if (facts.Length == 0) writer.WriteNil();
                else writer.WriteInteger(9);
                writer.WriteString("items");
                writer.WriteArrayHeader(facts.Length);
                writer.Flush();
                foreach (var fact in facts) FactCodec.Encode(fact, to);
            });
    }

    public override string? Read(ReadOnlySpan<byte> input)
    {
        try
        {
            FactPageReader.Read(input);
            return null;
        }
        catch (SyncException refused) when (refused.Code == SyncErrorCode.Corrupt)
        {
            return refused.Message;
        }
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is null) Hold(NaivePack.Read(input, checksText: false, NaivePack.DepthMax + MessageTarget.LevelsMax) is { Kind: Kind.Map }, "it took what is no map");
    }
}

/// <summary>The gate of hosts without types: a map, or a sealed value.</summary>
internal sealed class DocumentTarget : Target
{
    public override string Name => "document";

    public override Flavor Flavor => Flavor.Packed;

    public override long AllocatedBase => 4 << 10;

    public override IEnumerable<byte[]> Seeds() =>
        Vectors.Of("value").Append(Samples.Value).Append([0xc7, 3, 100, 1, 2, 3]).Append([0xd4, 100, 1]).Append([0xd4, 99, 1]);

    public override string? Read(ReadOnlySpan<byte> input) => SyncSchema.Document.Parse(input.ToArray()).Error;

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        var node = NaivePack.Read(input, checksText: false);
        var isDocument = node?.Kind == Kind.Map || (node?.Kind == Kind.Extension && node.Number == 100);
        Hold(isDocument == error is null, "another rule of documents");
    }
}

/// <summary>A model by way of JSON: whatever the bytes are, a value or an error.</summary>
internal sealed class ModelTarget : Target
{
    private static readonly SyncSchema<Model> Schema = SyncSchema.Json(ModelJson.Default.Model, new SchemaVersion("3.1"));

    public override string Name => "model";

    public override Flavor Flavor => Flavor.Packed;

    public override int Weight => 3;

    public override long AllocatedBase => 96 << 10;

    public override IEnumerable<byte[]> Seeds() => [Samples.Value, .. Vectors.Of("value").Take(100)];

    public override string? Read(ReadOnlySpan<byte> input) => Schema.Parse(input.ToArray()).Error;

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is null) Hold(NaivePack.Read(input, checksText: true) is { Kind: Kind.Map, IsJson: true, HasNoTwin: true }, "it took what is no object");
    }
}

/// <summary>A model.</summary>
internal sealed record Model(string? Name, int Age, IReadOnlyList<double>? Marks);

/// <summary>Its metadata.</summary>
[System.Text.Json.Serialization.JsonSerializable(typeof(Model))]
internal sealed partial class ModelJson : System.Text.Json.Serialization.JsonSerializerContext;
