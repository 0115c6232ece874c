using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The request of <c>sync.own.&lt;feed&gt;</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class ForwardedWritesCodec
{
    private const int Commands = 0, Atomic = 1, Principal = 2, Deadline = 3;

    private static readonly FieldNames Names = new("forwarded writes", "commands", "atomic", "principal", "deadline");

    /// <summary>Writes the request.</summary>
    /// <exception cref="ArgumentException">No command, or more than <see cref="ForwardedWrites.CommandsMax"/>.</exception>
    public static void Encode(ForwardedWrites request, IBufferWriter<byte> destination)
    {
        if (request.Commands.Count is 0 or > ForwardedWrites.CommandsMax)
            throw new ArgumentException($"{request.Commands.Count} commands; 1 to {ForwardedWrites.CommandsMax}", nameof(request));
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(Names.Count);
        writer.WriteString(Names[Commands]);
        writer.WriteArrayHeader(request.Commands.Count);
        foreach (var command in request.Commands) CommandFields.Write(ref writer, command, withKey: true);
        writer.WriteString(Names[Atomic]);
        writer.WriteBoolean(request.Atomic);
        writer.WriteString(Names[Principal]);
        writer.WriteStringOrNil(request.Principal);
        writer.WriteString(Names[Deadline]);
        if (request.Deadline is { } deadline) writer.WriteTimestamp(deadline);
        else writer.WriteNil();
        writer.Flush();
    }

    /// <summary>Reads the request. Never throws for bad input; the result owns its memory.</summary>
    public static ParseResult<ForwardedWrites> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var request = Read(ref reader, ref context);
        return request is not null && reader.TryEnd()
            ? ParseResult<ForwardedWrites>.Ok(request)
            : ParseResult<ForwardedWrites>.Err(context ?? Names.Describe(reader.Error, -1));
    }

    private static ForwardedWrites? Read(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, Names, out var map)) return null;
        WriteCommand[] commands = [];
        var atomic = false;
        string? principal = null;
        Timestamp? deadline = null;
        while (map.TryNext(ref reader, out var field))
        {
            if (field is Principal or Deadline && reader.TrySkipNil()) continue;
            var ok = field switch
            {
                Commands => TryReadCommands(ref reader, out commands, ref context),
                Atomic => reader.TryReadBoolean(out atomic),
                Principal => reader.TryReadString(out principal),
                _ => TryReadDeadline(ref reader, out deadline),
            };
            if (ok) continue;
            context ??= map.Describe(reader.Error);
            return null;
        }
        if (!reader.Error.IsNone || !map.TryRequire(ref reader, Commands)) return null;
        return new ForwardedWrites { Commands = commands, Atomic = atomic, Principal = principal, Deadline = deadline };
    }

    private static bool TryReadCommands(ref MsgPackReader reader, out WriteCommand[] commands, ref string? context)
    {
        commands = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count is 0 or > ForwardedWrites.CommandsMax)
            return reader.FailAt($"{count} commands; 1 to {ForwardedWrites.CommandsMax} are allowed", start);
        var read = new WriteCommand[count];
        for (var index = 0; index < count; index++)
        {
            var command = CommandFields.Read(ref reader, null, isAppend: false, out var where);
            if (command is null)
            {
                context = $"forwarded writes, {index}: {where.Describe(reader.Error)}";
                return false;
            }
            read[index] = command;
        }
        commands = read;
        return true;
    }

    private static bool TryReadDeadline(ref MsgPackReader reader, out Timestamp? deadline)
    {
        var ok = reader.TryReadTimestamp(out var time);
        deadline = time;
        return ok;
    }
}
