using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The map of one outcome of a write.</summary>
internal static class WriteResultFields
{
    private const int Outcome = 0, Receipt = 1, Replayed = 2, Code = 3, Detail = 4, Current = 5, Reason = 6, Last = 7;

    private static readonly FieldNames Names =
        new("write result", "outcome", "receipt", "replayed", "code", "detail", "current", "reason", "last");

    private static readonly TextCache Texts = new();

    public static void Write(ref MsgPackWriter writer, WriteResult result)
    {
        switch (result)
        {
            case WriteResult.Committed committed:
                writer.WriteMapHeader(3);
                WriteText(ref writer, Outcome, "committed");
                writer.WriteString(Names[Receipt]);
                ReceiptFields.Write(ref writer, committed.Receipt);
                writer.WriteString(Names[Replayed]);
                writer.WriteBoolean(committed.Replayed);
                break;
            case WriteResult.Refused { Refusal: var refusal }:
                writer.WriteMapHeader(3 + (refusal.Current is null ? 0 : 1) + (refusal.Last is null ? 0 : 1));
                WriteText(ref writer, Outcome, "refused");
                WriteText(ref writer, Code, RefusalCodes.ToText(refusal.Code));
                WriteText(ref writer, Detail, refusal.Detail);
                if (refusal.Current is { } known)
                {
                    writer.WriteString(Names[Current]);
                    EnvelopeWriter.Write(ref writer, known);
                }
                if (refusal.Last is not { } last) break;
                writer.WriteString(Names[Last]);
                writer.WriteInteger(last.Value);
                break;
            case WriteResult.Unknown unknown:
                writer.WriteMapHeader(2);
                WriteText(ref writer, Outcome, "unknown");
                WriteText(ref writer, Reason, unknown.Reason);
                break;
        }
    }

    public static WriteResult? Read(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, Names, out var map)) return null;
        string outcome = "", code = "", detail = "", reason = "";
        var replayed = false;
        Sequence? last = null;
        Receipt? receipt = null;
        Envelope? current = null;
        while (map.TryNext(ref reader, out var field))
        {
            if (field != Outcome && reader.TrySkipNil()) continue;
            var ok = field switch
            {
                Outcome => reader.TryReadString(out outcome),
                Receipt => TryReadReceipt(ref reader, out receipt, ref context),
                Replayed => reader.TryReadBoolean(out replayed),
                Code => reader.TryReadString(out code),
                Detail => reader.TryReadString(out detail),
                Current => TryReadCurrent(ref reader, out current, ref context),
                Last => TryReadLast(ref reader, out last),
                _ => reader.TryReadString(out reason),
            };
            if (ok) continue;
            context ??= map.Describe(reader.Error);
            return null;
        }
        if (!reader.Error.IsNone || !map.TryRequire(ref reader, Outcome)) return null;
        switch (outcome)
        {
            case "committed" when receipt is not null: return new WriteResult.Committed(receipt, replayed);
            case "refused": return new WriteResult.Refused(MakeRefusal(code, detail, current, last));
            case "unknown": return new WriteResult.Unknown(reason);
            default:
                reader.Fail("the outcome is not committed (with a receipt), refused or unknown");
                return null;
        }
    }

    // A refusal by a newer writer stays a refusal: its code is kept in the detail.
    private static Refusal MakeRefusal(string code, string detail, Envelope? current, Sequence? last) =>
        RefusalCodes.TryParse(code, out var known)
            ? new Refusal(known, detail, current) { Last = last }
            : new Refusal(RefusalCode.DataError, $"[{code}] {detail}", current) { Last = last };

    private static bool TryReadLast(ref MsgPackReader reader, out Sequence? last)
    {
        var isLast = reader.TryReadInt64(0, long.MaxValue, out var sequence);
        last = new Sequence(sequence);
        return isLast;
    }

    private static bool TryReadReceipt(ref MsgPackReader reader, out Receipt? receipt, ref string? context)
    {
        receipt = ReceiptFields.Read(ref reader, out var where);
        if (receipt is null) context = where.Describe(reader.Error);
        return receipt is not null;
    }

    private static bool TryReadCurrent(ref MsgPackReader reader, out Envelope? current, ref string? context)
    {
        current = EnvelopeReader.Read(ref reader, default, Texts, out var where);
        if (current is null) context = where.Describe(reader.Error);
        return current is not null;
    }

    private static void WriteText(ref MsgPackWriter writer, int field, string text)
    {
        writer.WriteString(Names[field]);
        writer.WriteString(text);
    }
}
