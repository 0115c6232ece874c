using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.Hosting;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.HostileTests;

/// <summary>What is written is read as the same, for whatever the types can hold: FsCheck draws, and shrinks what fails.</summary>
public sealed class PropertyTests
{
    private static readonly Config Run = Config.QuickThrowOnFailure.WithMaxTest(2_000).WithReplay(20_260_101, 7);

    [Fact]
    public void An_envelope_comes_back()
    {
        Prop.ForAll(Arb.From(Draw.Envelopes), envelope =>
        {
            var packed = EnvelopeCodec.Default.Decode(Bytes(to => EnvelopeCodec.Default.Encode(envelope, to)));
            var json = JsonEnvelopeCodec.Default.Decode(Bytes(to => JsonEnvelopeCodec.Default.Encode(envelope, to)));
            EnvelopeCodec.EncodedSize(envelope).ShouldBe(Bytes(to => EnvelopeCodec.Default.Encode(envelope, to)).Length);
            Draw.Shown(packed.Value).ShouldBe(Draw.Shown(envelope));
            Draw.Shown(json.Value).ShouldBe(Draw.Shown(envelope));
        }).Check(Run);
    }

    [Fact]
    public void A_beat_comes_back()
    {
        Prop.ForAll(Arb.From(Draw.Beats), beat =>
        {
            var packed = EnvelopeCodec.Default.DecodeBeat(Bytes(to => EnvelopeCodec.Default.Encode(beat, to)));
            var json = JsonEnvelopeCodec.Default.DecodeBeat(Bytes(to => JsonEnvelopeCodec.Default.Encode(beat, to)));
            Draw.Shown(packed.Value).ShouldBe(Draw.Shown(beat));
            Draw.Shown(json.Value).ShouldBe(Draw.Shown(beat));
        }).Check(Run);
    }

    [Fact]
    public void A_write_comes_back()
    {
        Prop.ForAll(Arb.From(Draw.Commands), command =>
        {
            var own = WriteCommandCodec.Decode(Bytes(to => WriteCommandCodec.Encode(command, to)), command.Key);
            var forwarded = ForwardedWritesCodec.Decode(Bytes(to => ForwardedWritesCodec.Encode(new ForwardedWrites { Commands = [command] }, to)));
            Draw.Shown(own.Value).ShouldBe(Draw.Shown(command));
            Draw.Shown(forwarded.Value.Commands[0]).ShouldBe(Draw.Shown(command));
        }).Check(Run);
    }

    [Fact]
    public void Pages_come_back()
    {
        Prop.ForAll(Arb.From(Draw.ChangePages), page =>
        {
            var read = ChangesCodec.DecodePage(ChangesCodec.Encode(page)).Value;
            (read.Feed, read.History, read.Floor, read.Position, read.Through)
                .ShouldBe((page.Feed, page.History, page.Floor, page.Position, page.Through));
            read.Envelopes.Select(Draw.Shown).ShouldBe(page.Envelopes.Select(Draw.Shown));
        }).Check(Run.WithMaxTest(200));
    }

    [Fact]
    public void A_value_comes_back_by_way_of_json()
    {
        Prop.ForAll(Arb.From(Draw.Values), value =>
        {
            var node = NaivePack.Read(value, checksText: true)!;
            if (MsgPackCheck.Check(value) is not null || !node.HasNoTwin) return MsgPackCheck.Check(value) is not null && !node.HasNoTwin;
            var json = JsonTranscoder.ToJson(value, out _);
            if (json is null) return !node.IsJson;
            return Node.Same(NaivePack.Read(JsonTranscoder.ToMsgPack(json, out _), checksText: true)!, node);
        }).Check(Run);
    }

    [Fact]
    public void A_key_has_one_subject()
    {
        Prop.ForAll(Arb.From(Draw.Keys), key =>
        {
            var subject = Subjects.Default.Of(key);
            return SubjectRules.Check(subject) is null && Subjects.Default.TryParse(subject, out var read) && read == key
                && subject == $"synced.{NaiveNames.Vault(key.Vault)}.{NaiveNames.Encode(key.Collection)}.{NaiveNames.Encode(key.Key)}"
                && Subjects.Default.TryParseRequest(Subjects.Default.OfRequest(RequestKind.Put, key), out var put) && put.ToKey() == key;
        }).Check(Run);
    }

    [Fact]
    public void A_cursor_has_one_text()
    {
        Prop.ForAll(Arb.From(Draw.Cursors), cursor =>
            FeedCursor.TryParse(FeedCursor.ToText(cursor), out var read) && read == cursor).Check(Run);
    }

    [Fact]
    public void A_block_of_an_event_stream_stays_one()
    {
        Prop.ForAll(Arb.From(Draw.Texts), Arb.From(Draw.Bytes), (name, data) =>
        {
            var output = new ArrayBufferWriter<byte>();
            if (name.AsSpan().ContainsAny("\r\n\0"))
            {
                Should.Throw<ArgumentException>(() => new ServerEvent("1", name, data));
                return true;
            }
            new ServerEvent("1", name, data).WriteTo(output);
            var blocks = new EventBlocks(1 << 20);
            foreach (var value in output.WrittenSpan) blocks.Append([value]);
            return blocks.TryTake(out var block) && !blocks.TryTake(out _) && block.Id == "1"
                && block.Name == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name));
        }).Check(Run);
    }

    private static byte[] Bytes(Action<IBufferWriter<byte>> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        write(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
