using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class MessageVectorTests
{
    private static readonly SyncedKey Key = Samples.Key;

    [Fact]
    public void Every_message_of_the_vectors_is_read_and_written_or_refused_as_they_say()
    {
        foreach (var vector in VectorFile.Vectors("messages.json"))
        {
            var name = $"{vector.Text("message")}: {vector.Name()}";
            var bytes = vector.Bytes();
            if (vector.Text("error") is { } error)
            {
                Codecs.Decode(vector.Text("message")!, bytes).ShouldNotBeNull(name).ShouldContain(error, Case.Insensitive, name);
                continue;
            }
            Codecs.Decode(vector.Text("message")!, bytes).ShouldBeNull(name);
            ShouldBeWhatItSays(vector, bytes);
            if (vector.GetProperty("canonical").GetBoolean()) Codecs.EncodeAgain(vector.Text("message")!, bytes).ShouldBe(bytes, name);
        }
    }

    private static void ShouldBeWhatItSays(JsonElement vector, byte[] bytes)
    {
        var decoded = vector.GetProperty("decoded");
        switch (vector.Text("message"))
        {
            case "write-command":
                WriteCommandCodec.Decode(bytes, Key).Value.ShouldBeSameAs(Decoded.Command(decoded, Key));
                break;
            case "forwarded-writes":
                var forwarded = ForwardedWritesCodec.Decode(bytes).Value;
                var commands = decoded.GetProperty("commands").EnumerateArray().Select(item => Decoded.Command(item, null)).ToList();
                forwarded.Commands.Count.ShouldBe(commands.Count);
                for (var index = 0; index < commands.Count; index++)
                {
                    forwarded.Commands[index].ShouldBeSameAs(commands[index]);
                    forwarded.Commands[index].TraceParent.ShouldBe(commands[index].TraceParent);
                }
                forwarded.Atomic.ShouldBe(decoded.GetProperty("atomic").GetBoolean());
                forwarded.Principal.ShouldBe(decoded.Text("principal"));
                forwarded.Deadline?.UnixMicroseconds.ShouldBe(decoded.Number("deadline")!.Value);
                break;
            case "write-result": ShouldBeSame(WriteResultCodec.Decode(bytes).Value, Decoded.Result(decoded)); break;
            case "write-results":
                var outcomes = decoded.GetProperty("outcomes");
                var results = WriteResultCodec.DecodeMany(bytes).Value;
                results.Count.ShouldBe(outcomes.GetArrayLength());
                for (var index = 0; index < results.Count; index++) ShouldBeSame(results[index], Decoded.Result(outcomes[index]));
                break;
            case "getmany":
                GetManyCodec.Decode(bytes).Value.ShouldBe(decoded.EnumerateArray().Select(item => Decoded.Item(item, 0)));
                break;
            case "getmany-group":
                GetManyCodec.DecodeGroup(bytes).Value.ShouldBe(decoded.EnumerateArray()
                    .Select(item => new GroupRefetchItem(item[0].GetString()!, Decoded.Item(item, 1))));
                break;
            case "answer":
                EnvelopeAnswerCodec.Decode(bytes).Value.ShouldBeSameAs(Decoded.Answer(decoded));
                break;
            case "history-request":
                HistoryCodec.DecodeRequest(bytes).Value.ShouldBe(
                    new HistoryRequest(new(decoded.Number("after")!.Value), (int)decoded.Number("limit")!));
                break;
            case "history-page":
                var page = HistoryCodec.DecodePage(bytes).Value;
                page.More.ShouldBe(decoded.GetProperty("more").GetBoolean());
                page.Floor.Value.ShouldBe(decoded.Number("floor")!.Value);
                page.Facts.Count.ShouldBe(1);
                page.Facts[0].ShouldBeSameAs(Decoded.Fact(decoded.GetProperty("facts")[0]));
                break;
            case "fact": FactCodec.Decode(bytes).Value.ShouldBeSameAs(Decoded.Fact(decoded)); break;
            default: PageShouldBeWhatItSays(vector.Text("message")!, decoded, bytes); break;
        }
    }

    private static void PageShouldBeWhatItSays(string message, JsonElement decoded, byte[] bytes)
    {
        switch (message)
        {
            case "append-command":
                WriteCommandCodec.DecodeAppend(bytes, Key.Vault, Key.Collection).Value
                    .ShouldBeSameAs(Decoded.Command(decoded, Key with { Key = decoded.Text("key") ?? "" }));
                break;
            case "group-answer":
                var ofVaults = GroupAnswerCodec.Decode(bytes).Value;
                ofVaults.Select(one => one.Vault).ShouldBe(decoded.EnumerateArray().Select(one => one.Text("vault")));
                for (var index = 0; index < ofVaults.Count; index++)
                    ofVaults[index].Answer.ShouldBeSameAs(Decoded.Answer(decoded[index].GetProperty("answer")));
                break;
            case "snapshot-request":
                SnapshotCodec.DecodeRequest(bytes).Value.ShouldBe(DecodedPages.SnapshotRequest(decoded));
                break;
            case "snapshot-page":
                SnapshotCodec.DecodePage(bytes).Value.ShouldBeSameAs(DecodedPages.Snapshot(decoded));
                break;
            case "changes-request":
                ChangesCodec.DecodeRequest(bytes).Value.ShouldBe(DecodedPages.ChangesRequest(decoded));
                break;
            case "changes-page":
                ChangesCodec.DecodePage(bytes).Value.ShouldBeSameAs(DecodedPages.Changes(decoded));
                break;
            case "vaults-request":
                VaultsCodec.DecodeRequest(bytes).Value.ShouldBe(DecodedPages.VaultsRequest(decoded));
                break;
            case "vaults-page":
                VaultsCodec.DecodePage(bytes).Value.ShouldBeSameAs(DecodedPages.Vaults(decoded));
                break;
            default: throw new InvalidOperationException($"No test for {message}.");
        }
    }

    private static void ShouldBeSame(WriteResult actual, WriteResult expected)
    {
        if (expected is not WriteResult.Refused refused)
        {
            actual.ShouldBe(expected);
            return;
        }
        var refusal = actual.ShouldBeOfType<WriteResult.Refused>().Refusal;
        (refusal.Code, refusal.Detail, refusal.Last).ShouldBe((refused.Refusal.Code, refused.Refusal.Detail, refused.Refusal.Last));
        if (refused.Refusal.Current is { } current) refusal.Current.ShouldNotBeNull().ShouldBeSameAs(current);
        else refusal.Current.ShouldBeNull();
    }

    [Fact]
    public void The_texts_of_refusal_codes_are_frozen() =>
        VectorFile.Load("messages.json").GetProperty("refusal_codes").EnumerateArray().Select(text => text.GetString())
            .ShouldBe(Enum.GetValues<RefusalCode>().Select(RefusalCodes.ToText));

    [Fact]
    public void The_chain_is_the_one_of_the_vectors()
    {
        var chain = FactChain.Start;
        foreach (var vector in VectorFile.Vectors("chain.json", "facts"))
        {
            var fact = Decoded.Fact(vector);
            chain = FactChain.Next(chain, fact);
            chain.ToString().ShouldBe(vector.Text("chain"));
        }
    }

    [Fact]
    public void The_chain_is_continued_without_an_allocation()
    {
        var facts = VectorFile.Vectors("chain.json", "facts").Select(Decoded.Fact).ToArray();
        foreach (var fact in facts) FactChain.Next(default, fact);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var index = 0; index < facts.Length; index++) FactChain.Next(default, facts[index]);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public void Checksums_and_feeds_are_those_of_the_vectors()
    {
        var file = VectorFile.Load("placement.json");
        foreach (var item in file.GetProperty("crc").EnumerateArray())
            Crc32.Of(item.Text("text")!).ShouldBe(item.GetProperty("crc").GetUInt32());
        foreach (var item in file.GetProperty("feeds").EnumerateArray())
            Feeds.Of(item.Text("vault")!, item.GetProperty("feeds").GetInt32()).Value.ShouldBe(item.GetProperty("feed").GetInt32());
        foreach (var item in file.GetProperty("keys").EnumerateArray())
            Crc32.Of(new SyncedKey(item.Text("vault")!, item.Text("collection")!, item.Text("key")!))
                .ShouldBe(item.GetProperty("crc").GetUInt32());
    }
}
