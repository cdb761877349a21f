package io.ryegrass.objects;

import java.io.StringReader;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** The little XML that S3 needs: a writer without indentation and a reader without DTDs. */
final class S3Xml {
  private static final String NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private static final int MAX_DEPTH = 16;

  private final StringBuilder text =
      new StringBuilder("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

  private S3Xml() {}

  static S3Xml document(String root) {
    S3Xml xml = new S3Xml();
    xml.text.append('<').append(root).append(" xmlns=\"").append(NAMESPACE).append("\">");
    return xml;
  }

  /** Error documents have no namespace. */
  static String error(
      String code,
      String message,
      Map<String, String> details,
      String resource,
      String requestId,
      String hostId) {
    S3Xml xml = new S3Xml();
    xml.open("Error").element("Code", code).element("Message", message);
    details.forEach(xml::element);
    return xml.element("Resource", resource)
        .element("RequestId", requestId)
        .element("HostId", hostId)
        .end("Error");
  }

  /** Elements to be added to a document later. */
  static S3Xml part() {
    S3Xml xml = new S3Xml();
    xml.text.setLength(0);
    return xml;
  }

  S3Xml add(S3Xml part) {
    text.append(part.text);
    return this;
  }

  /** A grantee that is a user; the type stands in an attribute. */
  S3Xml openUser(String name) {
    text.append('<')
        .append(name)
        .append(" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"")
        .append(" xsi:type=\"CanonicalUser\">");
    return this;
  }

  S3Xml open(String name) {
    text.append('<').append(name).append('>');
    return this;
  }

  S3Xml close(String name) {
    text.append("</").append(name).append('>');
    return this;
  }

  S3Xml element(String name, String value) {
    open(name);
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '&' -> text.append("&amp;");
        case '<' -> text.append("&lt;");
        case '>' -> text.append("&gt;");
        case '"' -> text.append("&quot;");
        default -> {
          if (c < 0x20) {
            text.append("&#").append((int) c).append(';');
          } else {
            text.append(c);
          }
        }
      }
    }
    return close(name);
  }

  S3Xml element(String name, long value) {
    return element(name, Long.toString(value));
  }

  S3Xml element(String name, boolean value) {
    return element(name, Boolean.toString(value));
  }

  S3Xml element(String name, Instant value) {
    return element(name, TIME.format(value));
  }

  String end(String root) {
    return close(root).text.toString();
  }

  /**
   * An element that was read.
   *
   * @param text what stands directly in it
   */
  record Node(String name, String text, List<Node> children) {

    /** The children of one name. */
    List<Node> all(String child) {
      return children.stream().filter(c -> c.name().equals(child)).toList();
    }

    /** Text of the first child of a name; empty when there is none. */
    String value(String child) {
      return all(child).stream().findFirst().map(Node::text).orElse("");
    }

    boolean has(String child) {
      return !all(child).isEmpty();
    }
  }

  /**
   * Reads a document. Document types, and with them entities, are refused.
   *
   * @throws S3Exception {@code MalformedXML}, also when the outermost element has another name
   */
  static Node read(String xml, String root) {
    XMLInputFactory factory = XMLInputFactory.newFactory();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    try {
      XMLStreamReader reader = factory.createXMLStreamReader(new StringReader(xml));
      Node found = null;
      while (reader.hasNext()) {
        int event = reader.next();
        if (event == XMLStreamConstants.DTD || event == XMLStreamConstants.ENTITY_REFERENCE) {
          throw S3Exception.malformedXml();
        }
        if (event == XMLStreamConstants.START_ELEMENT) {
          found = node(reader, 0);
        }
      }
      reader.close();
      if (found == null || !found.name().equals(root)) {
        throw S3Exception.malformedXml();
      }
      return found;
    } catch (XMLStreamException e) {
      throw (S3Exception) S3Exception.malformedXml().initCause(e);
    }
  }

  private static Node node(XMLStreamReader reader, int depth) throws XMLStreamException {
    if (depth == MAX_DEPTH) {
      throw S3Exception.malformedXml();
    }
    String name = reader.getLocalName();
    StringBuilder text = new StringBuilder();
    List<Node> children = new ArrayList<>();
    for (int event = reader.next();
        event != XMLStreamConstants.END_ELEMENT;
        event = reader.next()) {
      switch (event) {
        case XMLStreamConstants.START_ELEMENT -> children.add(node(reader, depth + 1));
        case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE ->
            text.append(reader.getText());
        case XMLStreamConstants.ENTITY_REFERENCE -> throw S3Exception.malformedXml();
        default -> {
          // comments and processing instructions say nothing here
        }
      }
    }
    return new Node(name, children.isEmpty() ? text.toString() : "", children);
  }
}
