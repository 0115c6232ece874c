using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>What a refetch of a group answers for one vault. Its order and <see cref="EnvelopeAnswer.Answered"/> are those of the
/// vault's items among the items asked for.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Answer">Its answer, of one snapshot: positions are per feed.</param>
public readonly record struct VaultAnswer(string Vault, EnvelopeAnswer Answer);

/// <summary>The reply of <c>sync.getmany</c> for a whole group (docs/PROTOCOL.md, Requests and replies).</summary>
public static class GroupAnswerCodec
{
    /// <summary>Most vaults of one reply; items of further ones are asked for again.</summary>
    public const int VaultsMax = 100;

    private const int Vault = 0, Answer = 1;

    private static readonly FieldNames Names = new("group answer", "vault", "answer");

    /// <summary>Writes <c>[{vault, answer}…]</c>.</summary>
    /// <param name="answers">At most <see cref="VaultsMax"/>.</param>
    /// <param name="destination">Where to.</param>
    public static void Encode(IReadOnlyList<VaultAnswer> answers, System.Buffers.IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteArrayHeader(answers.Count);
        foreach (var (vault, answer) in answers)
        {
            writer.WriteMapHeader(Names.Count);
            writer.WriteString(Names[Vault]);
            writer.WriteString(vault);
            writer.WriteString(Names[Answer]);
            EnvelopeAnswerCodec.Write(ref writer, answer);
        }
        writer.Flush();
    }

    /// <summary>Reads the reply. Never throws for bad input.</summary>
    public static ParseResult<IReadOnlyList<VaultAnswer>> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var answers = Read(ref reader, ref context);
        return answers is not null && reader.TryEnd()
            ? ParseResult<IReadOnlyList<VaultAnswer>>.Ok(answers)
            : ParseResult<IReadOnlyList<VaultAnswer>>.Err(context ?? Names.Describe(reader.Error, -1));
    }

    private static VaultAnswer[]? Read(ref MsgPackReader reader, ref string? context)
    {
        if (!reader.TryReadArrayHeader(out var count)) return null;
        if (count > VaultsMax)
        {
            reader.FailAt($"more than {VaultsMax} vaults", 0);
            return null;
        }
        var answers = new VaultAnswer[count];
        for (var index = 0; index < count; index++)
            if (!TryReadOne(ref reader, out answers[index], ref context)) return null;
        return answers;
    }

    private static bool TryReadOne(ref MsgPackReader reader, out VaultAnswer one, ref string? context)
    {
        one = default;
        if (!MapCursor.TryBegin(ref reader, Names, out var map)) return false;
        var vault = "";
        EnvelopeAnswer? answer = null;
        while (map.TryNext(ref reader, out var field))
        {
            if (field == Vault) PageReader.TryReadName(ref reader, out vault);
            else answer = EnvelopeAnswerCodec.Read(ref reader, ref context);
            if (reader.Error.IsNone) continue;
            context ??= map.Describe(reader.Error);
            return false;
        }
        for (var field = 0; field < Names.Count && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
        if (!reader.Error.IsNone) return false;
        one = new VaultAnswer(vault, answer!);
        return true;
    }
}
