using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Tests.MessagePack;

public sealed class WireMessageTests
{
    [Fact]
    public void A_write_command_comes_back_as_it_went()
    {
        foreach (var command in new[] { Samples.Command(), Delete() })
        {
            var decoded = WriteCommandCodec.Decode(Samples.Bytes(to => WriteCommandCodec.Encode(command, to)), command.Key);
            decoded.Error.ShouldBeNull();
            decoded.Value.ShouldBeSameAs(command);
        }
    }

    [Fact]
    public void A_request_cannot_name_another_key_than_its_subject()
    {
        var bytes = Samples.Bytes(to =>
        {
            var writer = new MsgPackWriter(to);
            writer.WriteMapHeader(2);
            writer.WriteString("value");
            writer.WriteInteger(1);
            writer.WriteString("key");
            writer.WriteString("other");
            writer.Flush();
        });
        WriteCommandCodec.Decode(bytes, Samples.Key).Error.ShouldNotBeNull().ShouldContain("'key'");
    }

    [Fact]
    public void A_request_with_a_value_alone_has_the_defaults()
    {
        var command = WriteCommandCodec.Decode(Convert.FromHexString("81a576616c756501"), Samples.Key).Value;
        command.ShouldBeSameAs(new WriteCommand { Key = Samples.Key, Op = ChangeOp.Put, Value = new byte[] { 1 } });
        WriteCommandCodec.Decode([0x80], Samples.Key).Error.ShouldNotBeNull().ShouldContain("'value' is missing");
    }

    [Fact]
    public void Forwarded_writes_come_back_as_they_went()
    {
        var request = new ForwardedWrites
        {
            Commands = [Samples.Command(), Delete()],
            Atomic = true,
            Principal = "user:ada",
            Deadline = new(1_732_147_209_000_000),
        };
        var decoded = ForwardedWritesCodec.Decode(Samples.Bytes(to => ForwardedWritesCodec.Encode(request, to)));
        decoded.Error.ShouldBeNull();
        decoded.Value.Atomic.ShouldBeTrue();
        decoded.Value.Principal.ShouldBe("user:ada");
        decoded.Value.Deadline.ShouldBe(request.Deadline);
        decoded.Value.Commands.Count.ShouldBe(2);
        decoded.Value.Commands[0].ShouldBeSameAs(request.Commands[0]);
        decoded.Value.Commands[0].TraceParent.ShouldBe(request.Commands[0].TraceParent);
        decoded.Value.Commands[1].ShouldBeSameAs(request.Commands[1]);
    }

    [Fact]
    public void A_forwarded_event_keeps_its_cause_and_that_it_has_no_key()
    {
        var command = Samples.Command() with
        {
            Key = new("acme", "event", ""),
            Op = ChangeOp.Append,
            Expected = null,
            OnlyIfNoLiveRecord = false,
            Causation = new FactId(Guid.CreateVersion7()),
        };
        var request = new ForwardedWrites { Commands = [command], Atomic = false, Principal = "user:ada", Deadline = new(1) };
        var decoded = ForwardedWritesCodec.Decode(Samples.Bytes(to => ForwardedWritesCodec.Encode(request, to)));
        decoded.Error.ShouldBeNull();
        decoded.Value.Commands.ShouldHaveSingleItem().ShouldBeSameAs(command);
        decoded.Value.Commands[0].Key.ShouldBe(command.Key);
        decoded.Value.Commands[0].Causation.ShouldBe(command.Causation);
    }

    [Fact]
    public void All_three_outcomes_come_back_as_they_went()
    {
        WriteResult[] results =
        [
            new WriteResult.Committed(Samples.Receipt(), true),
            new WriteResult.Refused(new Refusal(RefusalCode.ExpectedSequenceDiffers, "it is 7", Samples.Envelope())),
            new WriteResult.Refused(new Refusal(RefusalCode.NoOwner, "try later")),
            new WriteResult.Refused(new Refusal(RefusalCode.NoLiveRecord, "nothing to delete") { Last = new Sequence(7) }),
            new WriteResult.Unknown("the connection was lost"),
        ];
        var decoded = WriteResultCodec.DecodeMany(Samples.Bytes(to => WriteResultCodec.EncodeMany(results, to)));
        decoded.Error.ShouldBeNull();
        decoded.Value[0].ShouldBe(results[0]);
        var refused = decoded.Value[1].ShouldBeOfType<WriteResult.Refused>().Refusal;
        (refused.Code, refused.Detail).ShouldBe((RefusalCode.ExpectedSequenceDiffers, "it is 7"));
        refused.Current.ShouldBeSameAs(Samples.Envelope());
        decoded.Value[2].ShouldBe(results[2]);
        decoded.Value[3].ShouldBe(results[3]);
        decoded.Value[4].ShouldBe(results[4]);
        foreach (var result in results.Where((_, index) => index != 1))
            WriteResultCodec.Decode(Samples.Bytes(to => WriteResultCodec.Encode(result, to))).Value.ShouldBe(result);
    }

    [Fact]
    public void Every_refusal_code_has_a_text_and_an_unknown_text_stays_a_refusal()
    {
        foreach (var code in Enum.GetValues<RefusalCode>())
        {
            var text = RefusalCodes.ToText(code);
            text.ShouldMatch("^[a-z]+(-[a-z]+)*$");
            RefusalCodes.TryParse(text, out var parsed).ShouldBeTrue();
            parsed.ShouldBe(code);
        }
        var bytes = Samples.Bytes(to =>
        {
            var writer = new MsgPackWriter(to);
            writer.WriteMapHeader(2);
            writer.WriteString("outcome");
            writer.WriteString("refused");
            writer.WriteString("code");
            writer.WriteString("moon-phase");
            writer.Flush();
        });
        WriteResultCodec.Decode(bytes).Value.ShouldBeOfType<WriteResult.Refused>().Refusal.Detail.ShouldContain("moon-phase");
    }

    [Fact]
    public void A_refetch_and_its_answer_come_back_as_they_went()
    {
        RefetchItem[] items = [new("user", "123", Sequence.Unknown), new("user", "ž", new(7)), new("order", "1", Sequence.None)];
        GetManyCodec.Decode(Samples.Bytes(to => GetManyCodec.Encode(items, to))).Value.ShouldBe(items);
        GroupRefetchItem[] group = [new("pypi--django", items[0]), new("pypi--flask", items[1])];
        GetManyCodec.DecodeGroup(Samples.Bytes(to => GetManyCodec.EncodeGroup(group, to))).Value.ShouldBe(group);

        var answer = new EnvelopeAnswer
        {
            Feed = new(3),
            History = new(99),
            Floor = new(1),
            Position = new(1234568),
            Answered = 3,
            Envelopes = [Samples.Envelope(), Samples.Tombstone()],
        };
        var decoded = EnvelopeAnswerCodec.Decode(Samples.Bytes(to => EnvelopeAnswerCodec.Encode(answer, to)));
        decoded.Error.ShouldBeNull();
        decoded.Value.Feed.ShouldBe(answer.Feed);
        decoded.Value.History.ShouldBe(answer.History);
        decoded.Value.Floor.ShouldBe(answer.Floor);
        decoded.Value.Position.ShouldBe(answer.Position);
        decoded.Value.Answered.ShouldBe(3);
        decoded.Value.Envelopes.Count.ShouldBe(2);
        decoded.Value.Envelopes[0].ShouldBeSameAs(answer.Envelopes[0]);
        decoded.Value.Envelopes[1].ShouldBeSameAs(answer.Envelopes[1]);
    }

    [Fact]
    public void Facts_and_history_pages_come_back_as_they_went()
    {
        foreach (var fact in new[] { Samples.Fact(), Samples.SmallestFact() })
        {
            var decoded = FactCodec.Decode(Samples.Bytes(to => FactCodec.Encode(fact, to)));
            decoded.Error.ShouldBeNull();
            decoded.Value.ShouldBeSameAs(fact);
        }
        var request = new HistoryRequest(new(5), 20);
        HistoryCodec.DecodeRequest(Samples.Bytes(to => HistoryCodec.Encode(request, to))).Value.ShouldBe(request);
        HistoryCodec.DecodeRequest([0x80]).Value.ShouldBe(new HistoryRequest(Sequence.None, HistoryRequest.LimitDefault));

        var page = new HistoryPage
        {
            Feed = new(3),
            History = new(99),
            Floor = new(1),
            Position = new(1234568),
            Facts = [Samples.Fact()],
            More = true,
        };
        var decodedPage = HistoryCodec.DecodePage(Samples.Bytes(to => HistoryCodec.Encode(page, to)));
        decodedPage.Error.ShouldBeNull();
        decodedPage.Value.More.ShouldBeTrue();
        decodedPage.Value.Position.ShouldBe(page.Position);
        decodedPage.Value.Facts.Count.ShouldBe(1);
        decodedPage.Value.Facts[0].ShouldBeSameAs(Samples.Fact());
    }

    private static WriteCommand Delete() => new() { Key = Samples.Key, Op = ChangeOp.Delete, Value = new byte[] { 0xc0 } };
}
